"""What a Model predicts of a part, as a Run of *Predict* tells it: scalars with bands, the flag, inputs, and layers."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.digits import with_band
from app.document.document import Document
from app.document.placement import Vector
from app.document.scene import with_new
from app.document.topic import Topic
from app.document.workspaces import PART, PREDICT
from app.viewport.viewing import SENSITIVITY
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.running import Running
from app.work.tasks import Tasks
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol.edits import SetParameter
from engine.protocol.layers import FIELD, RESIDUAL, TRUTH, parts_of
from engine.protocol.snapshot import Snapshot
from engine.protocol.study import MODEL, SAMPLE

TRUST_REGION = "trust-region"
"""Kind of the Term that keeps a part among those that were learnt from."""

TRUSTED = ("distance", "shape", "scalars")
"""What of the flag that Term measures."""


@dataclass(frozen=True)
class Estimate:
    """A predicted scalar: mean ± band [unit]."""

    name: str
    mean: float
    band: float
    unit: str


@dataclass(frozen=True)
class Flag:
    """Whether the part is new to the Model: how far beyond its limits (1 is at the limit), why, and where [mm].

    measures : how far in each respect, by the names of `engine.regression.domain.REASONS`
    """

    is_new: bool
    score: float
    reason: str = ""
    place: Vector | None = None
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """A scalar that the Model is given, and the range that it has learnt; varies : the descent moves it."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    varies: bool

    @property
    def is_outside(self) -> bool:
        return not self.low <= self.value <= self.high


class Predicting:
    """Follows the Run, and the Checkpoint that is looked at. Topics: `changed`, `shown` (the name of the values that
    are to colour the surface).

    snapshot : what is seen now, None without a Run of *Predict*
    scalars : as they are predicted now
    flag : None where nothing is known of it
    inputs : scalars that the Model is given
    trust : how far the part is from what was learnt, and how far the trust region reaches; None without one
    """

    def __init__(
        self,
        document: Document,
        link: EngineLink,
        drawing: Drawing,
        running: Running,
        tasks: Tasks,
        notices: Notices,
    ) -> None:
        self._document = document
        self._link = link
        self._drawing = drawing
        self._running = running
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.shown = Topic()
        self.snapshot: Snapshot | None = None
        self.scalars: tuple[Estimate, ...] = ()
        self.flag: Flag | None = None
        self.inputs: tuple[Input, ...] = ()
        self.trust: tuple[float, float] | None = None
        self._run_is_mine = False
        self._looked: Snapshot | None = None
        self._live: Snapshot | None = None
        self._known: tuple[str, dict[str, tuple[str, ...]]] = ("", {})
        link.begun.subscribe(self._begun)
        link.snapshot_arrived.subscribe(self._arrived)
        document.study_changed.subscribe(self.changed)

    @property
    def chosen(self) -> bool:
        """The study is *Predict*."""
        return self._document.study.study == PREDICT

    @property
    def there(self) -> bool:
        """The study is *Predict*, and something is predicted."""
        return self.chosen and self.snapshot is not None

    # Names ----------------------------------------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[str, ...]:
        """That the Model predicts."""
        return tuple(self._units()) or self._card_names().get("fields", ())

    @property
    def scalar_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.scalars) or self._card_names().get("scalars", ())

    def offers(self) -> dict[str, tuple[str, ...]]:
        """What parameters of Terms may name, by what they pick."""
        return {"predicted-field": self.fields, "predicted-scalar": self.scalar_names}

    def unit(self, field: str) -> str:
        return self._units().get(field, "")

    def _units(self) -> dict[str, str]:
        return {} if self.snapshot is None else dict(self.snapshot.info.get("fields", {}))

    @property
    def field(self) -> str:
        """That is shown, of those that the Model predicts."""
        wanted = str(self._document.study.parameters.get("shown", ""))
        return wanted if wanted in self.fields else next(iter(self.fields), "")

    @property
    def layers(self) -> list[str]:
        """Names of values that may colour the surface now, those of the field that is shown before the others."""
        if self.snapshot is None:
            return []
        count = len(self.snapshot.arrays.get("vertices", ()))
        names = [name for name, array in self.snapshot.arrays.items() if np.shape(array) == (count,)]
        of_field = [name for name in names if parts_of(name)[0] and parts_of(name)[1] == self.field]
        return of_field + [name for name in (RESIDUAL, SENSITIVITY) if name in names]

    # Looking at something else ---------------------------------------------------------------------------------------

    @property
    def looks(self) -> bool:
        """Something else than the Run is looked at."""
        return self._looked is not None

    def look_at(self, snapshot: Snapshot | None) -> None:
        """Show this in place of the Run, until that moves the part or somebody says None."""
        if snapshot is None and self._looked is None:
            return
        if self._looked is None:
            self._live = self.snapshot
        self._looked = snapshot
        self.snapshot = snapshot or self._live
        if snapshot is None:
            self._drawing.release()
            self.shown(FIELD + self.field)
        else:
            self._drawing.hold(snapshot)
            self.shown((TRUTH if TRUTH + self.field in snapshot.arrays else FIELD) + self.field)
        self.changed()

    def _stays(self, snapshot: Snapshot) -> bool:
        """What the Run tells moves nothing, and what is looked at may stay."""
        none = np.empty((0, 3), np.float32)
        before = none if self._live is None else self._live.arrays.get("vertices", none)
        return snapshot.state != "running" and np.array_equal(before, snapshot.arrays.get("vertices", none))

    # A sample as the part ---------------------------------------------------------------------------------------------

    def predict_sample(self, data: str, name: str) -> None:
        """Let a sample of a data set be the part, with its scalars, and predict it; read in a process of its own."""
        if self._document.run.active:
            self._notices.noted(_tr("End the run first: it is about another part"))
            return

        def use(read: tuple[Mesh, dict[str, float]]) -> None:
            part, inputs = read
            document = self._document
            with document.scope(_tr("predict {0}").format(name)):
                project, called = with_new(document.project, part, part.name)
                study = project.study
                if study.study == PREDICT:
                    values = {**study.parameters, "inputs": inputs}
                    study = study.model_copy(update={"parameters": values})
                changed = replace(project, study=study, roles={**project.roles, PART: called})
                document.change("", changed.with_named_inputs())
            if self._running.can_run:
                self._running.start()
            elif self._running.lacks_model:
                self._notices.noted(_tr("Train a Model or open one, and press Run"))

        work = partial(_read_part, data, name)
        self._tasks.do_apart(work, use, self._notices.say, title=_tr("Reading {0}").format(name))

    # What a person changes ------------------------------------------------------------------------------------------

    def choose_field(self, field: str) -> None:
        """Let another field be predicted and shown."""
        if field != self.field and field in self.fields:
            self._steer("shown", field, _tr("field {0}").format(field))
            self.shown(FIELD + field)

    def set_input(self, name: str, value: float) -> None:
        """Give the Model another value of a scalar; one drag is one step of undo."""
        if not math.isfinite(value):
            return
        self.inputs = tuple(replace(one, value=value) if one.name == name else one for one in self.inputs)
        self._steer("inputs", {one.name: one.value for one in self.inputs}, name, gesture=f"input {name}")

    def set_varies(self, name: str, varies: bool) -> None:
        """Let the descent move a scalar, or keep it as it is."""
        others = [one.name for one in self.inputs if one.varies and one.name != name]
        step = _tr("let {0} vary") if varies else _tr("keep {0}")
        self._steer("vary", [*others, *([name] if varies else [])], step.format(name))

    def end_drag(self) -> None:
        """What comes next is another step of undo."""
        self._document.undo_stack.end_gesture()

    def show_place(self) -> None:
        """Go to where the part is new."""
        viewport = self._drawing.viewport
        if self.flag is not None and self.flag.place is not None and viewport is not None:
            viewport.show_place(self.flag.place)

    def _steer(self, name: str, value: Any, step: str, *, gesture: str = "") -> None:
        try:
            self._document.steer(SetParameter(owner="study", name=name, value=value), step, gesture=gesture)
        except FormwrightError as error:
            self._notices.say(error)

    # What the Run tells ---------------------------------------------------------------------------------------------

    def _begun(self) -> None:
        was_mine, self._run_is_mine = self._run_is_mine, self.chosen
        if self._looked is not None:
            self._looked = None
            self._drawing.release()
        self._live = None
        self.snapshot, self.flag, self.trust = None, None, None
        self.scalars, self.inputs = (), ()
        if was_mine and not self._run_is_mine:
            self.shown("plain")
        self.changed()

    def _arrived(self, snapshot: Snapshot) -> None:
        if not self._run_is_mine:
            return
        if self._looked is not None:
            if self._stays(snapshot):
                self._live = snapshot
                return
            self._live = snapshot
            self.look_at(None)
        first, self.snapshot = self.snapshot is None, snapshot
        info = snapshot.info
        self.scalars = tuple(
            Estimate(str(name), float(mean), float(band), str(unit))
            for name, (mean, band, unit) in info.get("predicted", {}).items()
        )
        self.flag = _flag(info["flag"]) if "flag" in info else None
        self.inputs = tuple(
            Input(str(name), told["value"], told["low"], told["high"], told["unit"], told["varies"])
            for name, told in info.get("inputs", {}).items()
        )
        self.trust = self._trust()
        if first:
            self._look(snapshot)
        self.changed()

    def _look(self, snapshot: Snapshot) -> None:
        """The first of a Run: its field, and a flat part from above."""
        if self.field:
            self.shown(FIELD + self.field)
        vertices, viewport = snapshot.arrays.get("vertices", np.empty((0, 3))), self._drawing.viewport
        if viewport is not None and len(vertices) and np.ptp(vertices[:, 2]) == 0.0:
            viewport.look("top")
            viewport.frame("result")

    def _trust(self) -> tuple[float, float] | None:
        spec = next((one for one in self._document.study.terms if one.kind == TRUST_REGION), None)
        if spec is None or self.flag is None:
            return None
        measured = [self.flag.measures[name] for name in TRUSTED if name in self.flag.measures]
        return max(measured, default=0.0), float(self._document.term_parameters(spec).get("radius", 1.0))

    def _card_names(self) -> dict[str, tuple[str, ...]]:
        """What the Model's file says that it predicts, read once; nothing of one that is learnt at the first use."""
        path = self._document.study.inputs.get(MODEL, "")
        if not self.chosen or not path or path.startswith(SAMPLE):
            return {}
        if self._known[0] != path:
            self._known = (path, _names_in(Path(path)))
        return self._known[1]


def value_text(mean: float, band: float | None, unit: str) -> str:
    """ "307.2 ± 2.5 MPa", or that there is no value."""
    return with_band(mean, band, unit) if math.isfinite(mean) else _tr("no value here")


def _flag(told: Mapping[str, Any]) -> Flag:
    place = told.get("place")
    at = None if place is None else (float(place[0]), float(place[1]), float(place[2]))
    return Flag(bool(told["is_new"]), float(told["score"]), str(told["reason"]), at, dict(told["measures"]))


def _read_part(data: str, name: str) -> Any:
    """In a process of its own: a data set may be large."""
    return importlib.import_module("engine.studies.sample_part").read_part(Path(data), name)


def _names_in(path: Path) -> dict[str, tuple[str, ...]]:
    from engine.io.model_file import read_card

    try:
        details = read_card(path).details
        return {kind: tuple(str(one["name"]) for one in details.get(kind, [])) for kind in ("fields", "scalars")}
    except (FormwrightError, TypeError, KeyError):
        return {}  # whoever runs the study is told what is wrong with it


def _tr(text: str) -> str:
    return QCoreApplication.translate("Predicting", text)
