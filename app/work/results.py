"""What a study on a scene has found so far: numbers, ways, a pattern; to be read, copied, written into the scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.applied import with_motions, with_numbers, with_pattern
from app.document.document import Document
from app.document.scene import with_new
from app.document.topic import Topic
from app.work.bodies import MILLIMETRES, placement
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.staging import Staging
from engine.core.errors import FormwrightError, ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.regions import region_vertices
from engine.protocol.scene import Gripper, Obstacle
from engine.protocol.scene_names import pin_name
from engine.protocol.session import QualitySheet, ResultMesh

PATTERN = "flat-pattern"


@dataclass(frozen=True)
class Found:
    """value ± deviation [unit] of a number, by its name in the scene; deviation is one standard deviation, None where
    nobody has asked for it."""

    name: str
    value: float
    unit: str
    deviation: float | None = None


class Results:
    """Follows the Run, and the Checkpoint that is looked at. Topic: `changed`."""

    def __init__(self, document: Document, link: EngineLink, staging: Staging, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._staging = staging
        self._notices = notices
        self._kind = ""
        self._info: dict[str, Any] = {}
        self._deviations: dict[str, tuple[float, float]] = {}
        self.changed = Topic()
        link.begun.subscribe(self._begun)
        link.snapshot_arrived.subscribe(self._arrived)
        document.study_changed.subscribe(self.changed)

    @property
    def there(self) -> bool:
        """The Run is one of the study that is chosen, and has found something."""
        return self._kind == self._document.study.study and bool(self.rows or self.paths or self.pattern)

    @property
    def rows(self) -> list[Found]:
        """Numbers as they are now."""
        found: dict[str, dict[str, Any]] = self._info.get("found") or {}
        rows = []
        for name, entry in found.items():
            value = float(entry["value"])
            at, deviation = self._deviations.get(name, (np.nan, np.nan))
            rows.append(Found(name, value, str(entry["unit"]), deviation if at == value else None))
        return rows

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """Poses of what is moved, by mover, at the start and after each step: [m], [rad], shape (steps + 1, 6 or 7)."""
        paths: dict[str, Any] = self._info.get("paths") or {}
        return {name: np.asarray(path, np.float64) for name, path in paths.items()}

    @property
    def pattern(self) -> bool:
        """There is a pattern to be cut."""
        return self._kind == PATTERN and bool(self._info)

    def text(self) -> str:
        """All numbers as a table, to be pasted."""
        lines = ["name\tvalue\tstandard deviation\tunit"] if self.rows else []
        for row in self.rows:
            deviation = "" if row.deviation is None else f"{row.deviation:.6g}"
            lines.append(f"{row.name}\t{row.value:.9g}\t{deviation}\t{row.unit}")
        for name, path in self.paths.items():
            width = "\twidth [m]" if path.shape[1] > 6 else ""
            lines.append(f"{name}: time [s]\tx [m]\ty [m]\tz [m]\trx [rad]\try [rad]\trz [rad]{width}")
            step = self._step
            lines += ["\t".join(f"{value:.9g}" for value in (k * step, *pose)) for k, pose in enumerate(path)]
        return "\n".join(lines)

    def curves(self) -> dict[str, np.ndarray]:
        """Where the middle of what is moved goes [mm, world], shape (steps + 1, 3), by mover."""
        found = {}
        for name, path in self.paths.items() if self.there else ():
            middle = self._middle(name)
            if middle is not None:
                found[name] = middle + MILLIMETRES * path[:, :3]
        return found

    @property
    def can_say_how_certain(self) -> bool:
        """Deviations belong to what is fitted to a recording."""
        return self._kind == "identify" and self._link.alive

    def ask_deviations(self) -> None:
        """How certain the numbers are: the engine simulates twice for each, between two iterations."""
        self._link.ask(QualitySheet(checkpoint=self._link.viewed), self._answered, title=_tr("How certain it is"))

    # Into the scene -----------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Write what was found into the scene, as a step of undo."""
        scene = self._staging.scene
        if scene is None:
            return
        if self.pattern:
            self._link.ask(ResultMesh(checkpoint=self._link.viewed), self._take_pattern)
            return
        try:
            changed = with_motions(with_numbers(scene, {row.name: row.value for row in self.rows}), self.paths)
        except FormwrightError as error:
            self._notices.say(error)
            return
        if changed == scene:
            self._notices.noted(_tr("The scene has these already"))
            return
        self._staging.change("write what was found into the scene", changed)
        self._notices.noted(_tr("The scene has what was found; Simulate shows it, undo takes it back"))

    def _take_pattern(self, mesh: Mesh) -> None:
        """The pattern as an object, and as the shape of its sheet."""
        document, scene = self._document, self._staging.scene
        if scene is None or not scene.sheets:
            return
        name = str(document.study.parameters.get("sheet") or scene.sheets[0].name)
        try:
            held = self._held(name, len(mesh.vertices))
            with document.scope(f"the pattern of {name} into the scene"):
                project, called = with_new(document.project, replace(mesh, name=f"{name} pattern"), f"{name} pattern")
                roles = {**project.roles, called: called}
                document.change("", replace(project, roles=roles).with_named_inputs())
                self._staging.change("", with_pattern(scene, name, called, held))
        except FormwrightError as error:
            self._notices.say(error)
            return
        document.set_visible(called, True)
        self._notices.noted(_tr("{0} begins as the pattern now; undo takes it back").format(name))

    def _held(self, name: str, count: int) -> dict[int, list[int]]:
        """Vertices of a sheet's pins; raises `ParameterError` where its mesh has changed since."""
        body = self._body(name)
        mesh = self._staging.mesh_of(name)
        if len(mesh.vertices) != count:
            raise ParameterError(
                name, _tr("it has other vertices than the pattern by now."), remedy=_tr("Run it anew.")
            )
        places = placement(body.pose).points(mesh.vertices) / MILLIMETRES
        local = mesh.vertices * body.pose.scale / MILLIMETRES
        return {
            number: region_vertices(pin.region, places, mesh.triangles, local=local).tolist()
            for number, pin in enumerate(body.pins)
        }

    # --------------------------------------------------------------------------------------------------------------

    @property
    def _step(self) -> float:
        scene = self._staging.scene
        return scene.time.step if scene is not None else 0.0

    def _body(self, name: str) -> Any:
        scene = self._staging.scene
        if scene is None:
            raise ParameterError("scene", "there is none.")
        return scene.body(name)

    def _middle(self, mover: str) -> np.ndarray | None:
        """About what a mover turns [mm, world], at the start; None where it is no longer there."""
        owner, _, pin = mover.partition("/")
        try:
            body = self._body(owner)
            if isinstance(body, (Gripper, Obstacle)):
                return MILLIMETRES * np.asarray(body.pose.translation)
            mesh = self._staging.mesh_of(owner)
            held = self._held(owner, len(mesh.vertices))
        except FormwrightError:
            return None
        numbers = [number for number in held if pin_name(body.pins, number) == pin]
        if not numbers or not held[numbers[0]]:
            return None
        points: np.ndarray = placement(body.pose).points(mesh.vertices[held[numbers[0]]])
        return points.mean(axis=0)

    def _answered(self, sheet: dict[str, Any]) -> None:
        found: dict[str, dict[str, Any]] = sheet.get("found") or {}
        self._deviations = {
            name: (float(entry["value"]), float(entry["standard_deviation"])) for name, entry in found.items()
        }
        self.changed()

    def _begun(self) -> None:
        self._kind, self._info, self._deviations = self._document.study.study, {}, {}
        self.changed()

    def _arrived(self, snapshot: Any) -> None:
        wanted = {key: snapshot.info[key] for key in ("found", "paths") if key in snapshot.info}
        if self._kind == PATTERN:
            wanted["pattern"] = True
        if wanted != self._info:
            self._info = wanted
            self.changed()


def _tr(text: str) -> str:
    return QCoreApplication.translate("Results", text)
