"""What a number of a simulation depends on: in every vertex, as a colour, and in every parameter, as a message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.topic import Topic
from app.panels.error_bar import RUN, Message
from app.viewport.shades import SENSITIVITY_OF
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from engine.protocol.session import Sensitivity, SensitivityOf
from engine.protocol.snapshot import Snapshot


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
        can = self._document.run.active and self._link.alive and not self._playing.from_disk
        return [str(number) for number in numbers] if can and isinstance(numbers, list | tuple) else []

    def ask(self, number: str) -> None:
        """Differentiate a number through the last steps; what runs waits for it."""
        self._link.ask(SensitivityOf(number=number), self._answered, title=_tr("Sensitivity of {0}").format(number))

    def _answered(self, found: Sensitivity) -> None:
        state = self._drawing.live
        if state is None or len(state.arrays.get("vertices", ())) != len(found.vertices):
            return  # another Run has begun meanwhile
        name = SENSITIVITY_OF + found.number
        self._playing.look_at(with_values(state, name, found.vertices))
        self.shown(name)
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


def lines_of(found: Sensitivity) -> list[str]:
    """What each parameter does to the number, the strongest first: what one percent more of it changes."""
    effects = {}
    for name, (value, derivative) in found.parameters.items():
        effects[name] = 0.01 * float(np.sum(np.asarray(value) * np.asarray(derivative)))
    ordered = sorted(effects, key=lambda name: -abs(effects[name]))
    return [_tr("1 % more of {0}: {1}").format(name, f"{effects[name]:+.3g}") for name in ordered]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sensing", text)
