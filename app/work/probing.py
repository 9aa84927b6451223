"""Places on the surface that are kept in sight, with what is predicted there. They go with the shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.placement import Vector
from app.document.project import Probe
from app.document.topic import Topic
from app.document.workspaces import PART
from app.viewport.records import ProbeView
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.predicting import Predicting, value_text
from engine.core.errors import FormwrightError
from engine.protocol.edits import SetParameter
from engine.protocol.layers import BAND, FIELD

if TYPE_CHECKING:
    from app.viewport.view import Viewport

TERM = "predicted-field"
"""Kind of the Term on a field at a point."""


@dataclass(frozen=True)
class Reading:
    """A probe as it stands now.

    place : [mm, world]; None where the part is another one than it was placed on
    mean, band : of the field that is shown; NaN where there is no value
    """

    probe: Probe
    place: Vector | None
    mean: float = float("nan")
    band: float = float("nan")


class Probing:
    """Each probe is a step of undo, and part of the document. Topic: `changed`."""

    def __init__(self, document: Document, link: EngineLink, predicting: Predicting, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._predicting = predicting
        self._notices = notices
        self._viewport: Viewport | None = None
        self._drawn: list[ProbeView] = []
        self._wanted: tuple[str, str] | None = None
        self.changed = Topic()
        document.probes_changed.subscribe(self._refresh)
        document.study_changed.subscribe(self._draw)
        predicting.changed.subscribe(self._refresh)

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to the probe tool of this one, and show probes in it."""
        self._viewport = viewport
        self._drawn = []
        viewport.probe_placed.connect(self.place)
        viewport.tool_changed.connect(self._tool_changed)
        self._refresh()

    def pick(self, term: str, parameter: str) -> None:
        """Let the next click on the part say where a Term looks; leaving the tool calls it off."""
        if not self._predicting.there or self._viewport is None:
            self._notices.noted(_tr("Press Run first: there is nothing predicted yet"))
            return
        self._viewport.set_tool("probe")
        self._wanted = term, parameter
        self._notices.noted(_tr("Click on the part: the point goes with it"))

    def place(self, position: Vector) -> None:
        """Keep a probe at a position [mm, world] on the surface that is seen, or let a Term look there that waits for
        it."""
        snapshot = self._predicting.snapshot
        if not self._predicting.there or snapshot is None:
            self._notices.noted(_tr("Press Run first: there is nothing predicted yet"))
            return
        vertices = snapshot.arrays["vertices"].astype(np.float64) + snapshot.origin
        corners, weights = nearest_on(vertices, snapshot.arrays["triangles"], np.asarray(position, np.float64))
        if self._wanted is not None:
            self._give(corners, weights, len(vertices))
            return
        taken = {probe.number for probe in self._document.project.probes}
        number = next(number for number in range(1, len(taken) + 2) if number not in taken)
        probe = Probe(number, corners, weights, len(vertices))
        self._change(_tr("keep probe {0}").format(number), (*self._document.project.probes, probe))

    def remove(self, number: int) -> None:
        """Forget one."""
        kept = tuple(probe for probe in self._document.project.probes if probe.number != number)
        self._change(_tr("remove probe {0}").format(number), kept)

    def remove_all(self) -> None:
        if self._document.project.probes:
            self._change(_tr("remove all probes"), ())

    def aim(self, number: int, aim: str) -> None:
        """Add a Term that lowers or raises the field that is shown, at a probe."""
        document, field = self._document, self._predicting.field
        probe = next((one for one in document.project.probes if one.number == number), None)
        start = self._start_of(probe.corners, probe.weights, probe.vertex_count) if probe is not None else None
        if probe is None or start is None:
            return
        title = {"lower": _tr("{0} at {1}, lower"), "raise": _tr("{0} at {1}, higher")}[aim].format(field, number)
        values = {"field": field, "reduce": "point", "point": list(start), "aim": aim}
        try:
            document.select(document.add_term(TERM, title, values))
        except FormwrightError as error:
            self._notices.say(error)

    def can_aim(self, number: int) -> bool:
        """A Term can be made of a probe: it is on the part with which the Run began."""
        offered = any(entry.kind == TERM for entry in self._document.offered_terms())
        probe = next((one for one in self._document.project.probes if one.number == number), None)
        if not offered or probe is None:
            return False
        return self._start_of(probe.corners, probe.weights, probe.vertex_count) is not None

    def readings(self) -> list[Reading]:
        """All probes, as they stand on what is seen now."""
        snapshot = self._predicting.snapshot
        if snapshot is None:
            return [Reading(probe, None) for probe in self._document.project.probes]
        vertices = snapshot.arrays.get("vertices", np.empty((0, 3), np.float32))
        return [
            read_at(probe, vertices, np.asarray(snapshot.origin), snapshot.arrays, self._predicting.field)
            for probe in self._document.project.probes
        ]

    def text(self, reading: Reading) -> str:
        """ "307 ± 2.5 MPa" """
        if reading.place is None:
            return _tr("on another part")
        return value_text(reading.mean, reading.band, self._predicting.unit(self._predicting.field))

    # --------------------------------------------------------------------------------------------------------------

    def _give(self, corners: Sequence[int], weights: Sequence[float], vertex_count: int) -> None:
        """Let the Term that waits for a place look at this one."""
        assert self._wanted is not None and self._viewport is not None
        (term, parameter), self._wanted = self._wanted, None
        start = self._start_of(corners, weights, vertex_count)
        if start is None:
            self._notices.noted(_tr("This part is another one than the Run began with"))
        else:
            title = _tr("point of {0}").format(self._document.term_title(term))
            value = [float(f"{coordinate:.6g}") for coordinate in start]
            try:
                self._document.steer(SetParameter(owner=term, name=parameter, value=value), title)
                self._notices.noted(_tr("{0} is there now").format(title[:1].upper() + title[1:]))
            except FormwrightError as error:  # there is no such Term any more
                self._notices.say(error)
        self._viewport.set_tool("navigate")

    def _tool_changed(self, tool: str) -> None:
        if tool != "probe":
            self._wanted = None

    def _start_of(self, corners: Sequence[int], weights: Sequence[float], vertex_count: int) -> Vector | None:
        """Where the nearest node of a place was when the Run began [mm, world]."""
        vertices = self._begun_with()
        if vertices is None or len(vertices) != vertex_count:
            return None
        x, y, z = vertices[corners[int(np.argmax(weights))]].tolist()
        return (x, y, z)

    def _begun_with(self) -> np.ndarray | None:
        """Vertices of the part when the Run began [mm, world], shape (n, 3)."""
        return getattr(self._link.inputs.get(PART), "vertices", None)

    def _change(self, step: str, probes: tuple[Probe, ...]) -> None:
        self._document.change(step, replace(self._document.project, probes=probes))

    def _refresh(self) -> None:
        self._draw()
        self.changed()

    def _draw(self) -> None:
        views = self._views()
        if self._viewport is not None and views != self._drawn:
            self._drawn = views
            self._viewport.set_probes(views)

    def _views(self) -> list[ProbeView]:
        if not self._predicting.there:
            return []
        views = [
            ProbeView(reading.place, f"{reading.probe.number}:  {self.text(reading)}")
            for reading in self.readings()
            if reading.place is not None
        ]
        views += self._looked_at()
        flag = self._predicting.flag
        if flag is not None and flag.is_new and flag.place is not None:
            views.append(ProbeView(flag.place, _tr("new here"), warning=True))
        return views

    def _looked_at(self) -> list[ProbeView]:
        """Where Terms on a field at a point look, where no probe is."""
        snapshot, before = self._predicting.snapshot, self._begun_with()
        vertices = snapshot.arrays.get("vertices") if snapshot is not None else None
        if snapshot is None or before is None or vertices is None or len(vertices) != len(before):
            return []
        marked = {probe.corners[int(np.argmax(probe.weights))] for probe in self._document.project.probes}
        views = []
        for spec in self._document.study.terms:
            values = self._document.term_parameters(spec) if spec.kind == TERM and spec.enabled else {}
            if values.get("reduce") != "point":
                continue
            node = int(((before - np.asarray(values["point"], np.float64)) ** 2).sum(axis=1).argmin())
            if node not in marked:
                x, y, z = (vertices[node].astype(np.float64) + snapshot.origin).tolist()
                views.append(ProbeView((x, y, z), self._document.term_title(spec.name)))
        return views


def nearest_on(
    vertices: np.ndarray, triangles: np.ndarray, position: np.ndarray
) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Corners of the triangle that comes nearest to a position (3,), and the weights of the nearest place in it."""
    corners = vertices[triangles]
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to = position - a
    # Barycentric coordinates of the foot; clipped to the triangle, which suits places that lie on it.
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (to * ab).sum(1), (to * ac).sum(1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-300)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    weights = np.clip(np.stack([1.0 - v - w, v, w], axis=1), 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    away = np.linalg.norm((weights[:, :, None] * corners).sum(axis=1) - position, axis=1)
    best = int(np.argmin(away))
    i, j, k = (int(corner) for corner in triangles[best])
    one, two, three = (float(weight) for weight in weights[best])
    return (i, j, k), (one, two, three)


def read_at(
    probe: Probe, vertices: np.ndarray, origin: np.ndarray, arrays: Mapping[str, np.ndarray], field: str
) -> Reading:
    """A probe on vertices (n, 3) relative to `origin` [mm, world], with the layers of a field; none of it on another
    part than it was placed on."""
    if len(vertices) != probe.vertex_count:
        return Reading(probe, None)
    corners, weights = list(probe.corners), np.array(probe.weights)
    x, y, z = (weights @ vertices[corners].astype(np.float64) + origin).tolist()
    mean, band = (
        float(weights @ values[corners].astype(np.float64)) if values is not None else float("nan")
        for values in (arrays.get(FIELD + field), arrays.get(BAND + field))
    )
    return Reading(probe, (x, y, z), mean, band)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Probing", text)
