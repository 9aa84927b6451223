"""A question to the engine that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cloth_runs import study
from engine_watch import Watch

from engine.core.errors import WithdrawnError
from engine.protocol import edits
from engine.protocol import session as requests


@pytest.mark.slow
def test_a_sensitivity_is_given_up_while_the_engine_is_at_it_and_the_run_goes_on(
    make_session: Callable[..., Watch],
) -> None:
    watch = make_session(build="")
    watch.session.start(study(time={"step": 0.002, "duration": 1000.0, "scheme": "bdf2"}), {})
    watch.until(lambda: watch.last_iteration() > 150)
    watch.session.send(edits.Pause())
    future = watch.session.ask(requests.SensitivityOf("card centre z [m]", horizon=150))
    watch.session.withdraw(future)
    with pytest.raises(WithdrawnError):  # made to its end it would have an answer
        watch.session.wait(future)
    at = watch.last_iteration()
    watch.session.send(edits.Resume())
    watch.until(lambda: watch.last_iteration() > at + 5)
