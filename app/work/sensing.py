"""What a number of a simulation depends on: in every vertex, as a colour, and in every parameter, as a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.topic import Topic
from app.panels.error_bar import RUN, Message
from app.panels.handy_units import shown_quantity
from app.viewport.shades import SENSITIVITY_OF
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from engine.protocol.scene_names import MOTION_UNITS, NUMBER_UNITS
from engine.protocol.session import Sensitivity, SensitivityOf
from engine.protocol.snapshot import Snapshot

GRAVITY = "gravity"
HORIZON = 10
"""Steps back, where nobody says otherwise."""


class Sensing:
    """Asks the engine for derivatives, and shows them on the state that they are of.

    Topic: `shown` (the name of the values that colour the surface).
    """

    def __init__(
        self, document: Document, link: EngineLink, drawing: Drawing, playing: Playing, notices: Notices
    ) -> None:
        self._document = document
        self._link = link
        self._drawing = drawing
        self._playing = playing
        self._notices = notices
        self.shown = Topic()

    @property
    def numbers(self) -> list[str]:
        """What can be differentiated, with units ("card centre z [m]")."""
        numbers = self._document.run.info.get("numbers", ())
        can = self._document.run.exists and self._link.alive and not self._playing.from_disk
        return [str(number) for number in numbers] if can and isinstance(numbers, list | tuple) else []

    def ask(
        self,
        number: str,
        horizon: int = HORIZON,
        *,
        done: Callable[[Sensitivity], object] | None = None,
        failed: Callable[[BaseException], object] | None = None,
    ) -> None:
        """Differentiate a number through the last `horizon` steps; what runs waits for it. It colours the surface, and
        goes to `done`, or is said in a message."""
        request, title = SensitivityOf(number=number, horizon=horizon), _tr("Sensitivity of {0}").format(number)
        self._link.ask(request, partial(self._answered, done=done), failed, title=title, cancellable=True)

    def _answered(self, found: Sensitivity, *, done: Callable[[Sensitivity], object] | None = None) -> None:
        if done is not None:
            done(found)
        state = self._drawing.live
        if state is None or len(state.arrays.get("vertices", ())) != len(found.vertices):
            return  # another Run has begun meanwhile
        name = SENSITIVITY_OF + found.number
        self._playing.look_at(with_values(state, name, found.vertices))
        self.shown(name)
        if done is not None:
            return
        self._notices.said(
            Message(
                _tr("{0} is {1}. Colours: how much a vertex moved {2} steps ago would change it.").format(
                    found.number, f"{found.value:.4g}", found.horizon
                ),
                details="\n".join(lines_of(found)),
                kind="note",
                about=RUN,
            )
        )


def with_values(snapshot: Snapshot, name: str, values: np.ndarray) -> Snapshot:
    """A Snapshot at rest with one more array on its vertices."""
    return replace(snapshot, state="paused", arrays={**snapshot.arrays, name: np.asarray(values, np.float32)})


@dataclass(frozen=True)
class Row:
    """What a number depends on in one parameter.

    name : "cloth.young", or "gravity z"
    value [unit], derivative [of the number's unit over the parameter's] : SI
    elasticity : percent of the number for one percent of the parameter; NaN where the number is 0
    """

    name: str
    value: float
    derivative: float
    elasticity: float
    unit: str
    slope_unit: str

    def shown(self) -> tuple[str, str, str, str]:
        """As a person reads them."""
        elastic = f"{self.elasticity:+.3g}" if np.isfinite(self.elasticity) else "–"
        value = shown_quantity(self.value, self.unit)
        return self.name, value, f"{self.derivative:+.3g} {self.slope_unit}".rstrip(), elastic

    def exact(self) -> tuple[str, ...]:
        """As a machine reads them."""
        value, derivative, elastic = (f"{number:.9g}" for number in (self.value, self.derivative, self.elasticity))
        return self.name, value, self.unit, derivative, self.slope_unit, elastic


def rows_of(found: Sensitivity) -> list[Row]:
    """Every parameter, the strongest first; a vector gives a row for each axis."""
    number_unit = found.number.rpartition("[")[2].rstrip("]")
    rows = []
    for name, (values, derivatives) in found.parameters.items():
        unit = "m/s²" if name == GRAVITY else (NUMBER_UNITS | MOTION_UNITS).get(name.rpartition(".")[2], "")
        pairs = zip(np.atleast_1d(values).tolist(), np.atleast_1d(derivatives).tolist(), strict=True)
        vector = np.ndim(values) > 0
        for axis, (value, derivative) in zip("xyz", pairs, strict=False):
            elastic = derivative * value / found.value + 0.0 if found.value else float("nan")  # no "-0"
            below = f"({unit})" if "/" in unit else unit
            slope = f"{number_unit}/{below}" if unit else number_unit
            rows.append(Row(f"{name} {axis}" if vector else name, value, derivative, elastic, unit, slope))
    return sorted(rows, key=lambda row: -abs(row.derivative * row.value))


def lines_of(found: Sensitivity) -> list[str]:
    """What each parameter does to the number, the strongest first: what one percent more of it changes."""
    effects = {}
    for name, (value, derivative) in found.parameters.items():
        effects[name] = 0.01 * float(np.sum(np.asarray(value) * np.asarray(derivative)))
    ordered = sorted(effects, key=lambda name: -abs(effects[name]))
    return [_tr("1 % more of {0}: {1}").format(name, f"{effects[name]:+.3g}") for name in ordered]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sensing", text)
