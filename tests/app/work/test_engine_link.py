"""What the engine tells, taken in by the window."""

from __future__ import annotations

from tests_app_fakes import FakeSession

from app.document.document import Document
from app.work import engine_link
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from engine.protocol.snapshot import Event, LogLine, StateChanged


def test_what_comes_while_the_window_is_held_up_is_all_taken_in() -> None:
    """However much it is: a poll takes in a part, and the rest waits for the next."""
    many = 2 * engine_link.EVENTS_A_POLL + 1
    came: list[Event] = [LogLine("info", str(number)) for number in range(many - 1)]
    session, document = FakeSession(), Document()
    link = EngineLink(document, Tasks(), lambda: session)
    link.start_engine()
    logged: list[str] = []
    link.logged.subscribe(lambda line: logged.append(line.text))
    session.emit = [*came, StateChanged(document.run.run, "paused", 7)]
    for poll in range(1, 4):
        link.poll()
        assert len(logged) == min(poll * engine_link.EVENTS_A_POLL, many - 1)
    assert logged == [str(number) for number in range(many - 1)]
    assert (document.run.state, document.run.iteration) == ("paused", 7)
