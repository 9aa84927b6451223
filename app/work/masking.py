"""What selections are for: masks of Terms, frozen and forbidden regions, objects of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.project import RESULT, Project, SceneObject, Selection
from app.document.scene import with_new
from app.document.steering import unique
from app.work.elements import reach_of
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.selecting import Selecting
from engine.core.errors import FormwrightError, ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.repaired import keep
from engine.geometry.selection import SELECTED, transfer
from engine.protocol.edits import AddTerm, PaintFreeze, SetTermMask
from engine.protocol.session import ResultMesh
from engine.protocol.study import TermSpec

OPPOSITE = {"open-here": "closed-here", "closed-here": "open-here"}
"""Kinds of Terms whose regions exclude each other."""


class Masking:
    """Each is one step of undo, which a Run follows at once. A selection is given by its name, "" for the working one;
    what a Term refers to needs a name, so the working one is kept under a new one then."""

    def __init__(self, document: Document, link: EngineLink, selecting: Selecting, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._selecting = selecting
        self._notices = notices
        selecting.painted.subscribe(self.paint_region)

    def names(self) -> list[str]:
        """Selections that have a name, in the order in which they were kept."""
        return [item.name for item in self._document.project.selections if item.name]

    def maskable(self) -> list[str]:
        """Terms that a mask can say where they count, by name."""
        catalogue = self._document.catalogue
        kinds = {entry.kind for entry in catalogue.terms if entry.maskable} if catalogue else set()
        return [spec.name for spec in self._document.study.terms if spec.kind in kinds]

    # Names --------------------------------------------------------------------------------------------------------

    def rename(self, name: str, new: str) -> None:
        """Call a selection otherwise; the Terms that it masks follow."""
        new, project = new.strip(), self._document.project
        selection = project.selection(name)
        if selection is None or new == name:
            return
        if not new or project.selection(new) is not None:
            error = ParameterError(
                "name",
                _tr("a selection cannot be called {0} here.").format(repr(new)),
                remedy=_tr("Write another name."),
            )
            self._notices.say(error)
            return
        selections = tuple(replace(item, name=new) if item.name == name else item for item in project.selections)
        terms = [spec.model_copy(update={"mask": new}) if spec.mask == name else spec for spec in project.study.terms]
        study = project.study.model_copy(update={"terms": terms}) if terms != project.study.terms else project.study
        if self._selecting.follows == name:
            self._selecting.follows = new
        self._document.change(f"rename selection {name} to {new}", replace(project, selections=selections, study=study))

    def keep(self) -> str:
        """Keep the working selection under a new name; returns it, "" where nothing is selected."""
        if self._selecting.working is None:
            return ""
        name = unique("Selection", self.names())
        self._selecting.keep(name)
        return name

    # Masks --------------------------------------------------------------------------------------------------------

    def set_mask(self, term: str, selection: str | None) -> None:
        """Let a Term count where a selection is; None: everywhere."""
        title = self._document.term_title(term)
        with self._document.scope(f"{title} everywhere" if selection is None else f"mask of {title}"):
            mask = "" if selection is None else self._named(selection)
            if mask is not None:
                outside = self._document.study.term(term).outside if mask else 0.0
                self._steer(SetTermMask(term=term, mask=mask, outside=outside), f"mask of {title}")

    def set_outside(self, term: str, outside: float) -> None:
        """How much a Term counts where its mask is 0, in [0, 1]."""
        mask = self._document.study.term(term).mask
        edit = SetTermMask(term=term, mask=mask, outside=outside)
        self._steer(edit, f"outside of the mask of {self._document.term_title(term)}", gesture=f"outside {term}")

    def add_term(self, kind: str, selection: str = "") -> None:
        """Add a Term that is about a region (a no-go region): that of a selection."""
        document = self._document
        entry = document.catalogue.term(kind) if document.catalogue else None
        title = entry.title if entry else kind
        with document.scope(f"add {title}"):
            mask = self._named(selection)
            if mask is None:
                return
            name = unique(title, [*document.term_titles(), *document.term_titles().values()])
            self._steer(AddTerm(spec=TermSpec(kind=kind, name=name, weight=1.0, mask=mask)), f"add {name}")

    def paint_region(self, kind: str, painted: Selection) -> None:
        """Let a Term of this kind be about what was painted: the one that has a region there, or a new one. The region
        of its opposite gives way."""
        document = self._document
        entry = next((entry for entry in document.offered_terms() if entry.kind == kind), None)
        if entry is None or not (painted.values > 0.0).any():
            return
        region = self._selecting.region_of(kind, painted.of)
        opposite = self._selecting.region_of(OPPOSITE.get(kind, ""), painted.of)
        with document.scope(f"paint {entry.title}"):
            if opposite is not None:
                project = document.project
                places, own = _positions(project, opposite), _positions(project, painted)
                over = transfer(own, painted.values, reach_of(own), places)
                left = replace(opposite, values=np.minimum(opposite.values, 1.0 - over).astype(np.float32))
                document.change("", project.with_selection(left))
            name = region.name if region is not None else unique(entry.title, self.names())
            document.change("", document.project.with_selection(replace(painted, name=name)))
            if region is None:
                term = unique(entry.title, [*document.term_titles(), *document.term_titles().values()])
                self._steer(AddTerm(spec=TermSpec(kind=kind, name=term, weight=1.0, mask=name)), f"add {term}")

    def region_kinds(self) -> list[tuple[str, str]]:
        """Kind and title of the Terms that are about a region."""
        catalogue = self._document.catalogue
        return [(entry.kind, entry.title) for entry in catalogue.terms if entry.needs_mask] if catalogue else []

    # Freezing -----------------------------------------------------------------------------------------------------

    def freeze(self, selection: str = "", *, frozen: bool = True) -> None:
        """Let the surface stay as it is where a selection is, or let it move again.

        What was selected on an object holds for what of the Run's surface lies nearest to it, as with a mask.
        """
        found = self._found(selection)
        if found is None:
            return
        step = f"{'freeze' if frozen else 'thaw'} {selection or 'the selection'}"
        points = _positions(self._document.project, found)
        if found.of == RESULT or not self._document.run.iteration:
            self._paint(points[found.values >= SELECTED], frozen, step)
            return

        def paint(mesh: Mesh) -> None:
            far = float(np.linalg.norm(np.ptp(np.concatenate([points, mesh.vertices]), axis=0)))
            values = transfer(points, found.values, max(far, 1e-6), mesh.vertices)
            self._paint(mesh.vertices[values >= SELECTED], frozen, step)

        self._link.ask(ResultMesh(), paint)

    def _paint(self, points: np.ndarray, frozen: bool, step: str) -> None:
        from app.document.stamps import stamps_of

        if not len(points):
            self._notices.noted(_tr("Nothing in the selection is selected by half or more"))
            return
        centres, radius = stamps_of(points)
        self._steer(PaintFreeze(centres=centres, radius=radius, frozen=frozen), step)

    # Objects ------------------------------------------------------------------------------------------------------

    def separate(self, selection: str = "") -> None:
        """What is selected as an object of its own; the one that it is of stays whole."""
        found = self._found(selection)
        if found is None:
            return
        item = self._document.object(found.of)
        if item is not None:
            self._add_part(part_of(item.geometry, found.values), found, item)
        elif found.of == RESULT and found.points is not None:
            points = found.points

            def take(mesh: Mesh) -> None:
                values = transfer(points, found.values, reach_of(points), mesh.vertices)
                self._add_part(part_of(mesh, values), found, None)

            self._link.ask(ResultMesh(checkpoint=self._link.viewed), take)

    def _add_part(self, part: Mesh | Points, found: Selection, item: SceneObject | None) -> None:
        if not (part.triangle_count if isinstance(part, Mesh) else part.point_count):
            self._notices.noted(_tr("No triangle is selected with all of its corners"))
            return
        stem = found.name or f"part of {found.of}"
        project, name = with_new(self._document.project, replace(part, name=stem), stem)
        if item is not None:
            project = project.with_object(name, placement=item.placement)
        self._document.change(f"copy {found.name or 'the selection'} to {name}", project)
        self._document.select(name)

    # --------------------------------------------------------------------------------------------------------------

    def _found(self, selection: str) -> Selection | None:
        found = self._document.project.selection(selection)
        if found is None:
            self._notices.noted(_tr("Select a region first, with the Select tool"))
        return found

    def _named(self, selection: str) -> str | None:
        """The selection's name; the working one is kept under a new name. None where there is nothing."""
        if self._found(selection) is None:
            return None
        return selection or self.keep()

    def _steer(self, edit: SetTermMask | AddTerm | PaintFreeze, step: str, *, gesture: str = "") -> None:
        try:
            self._document.steer(edit, step, gesture=gesture)
        except FormwrightError as error:
            self._notices.say(error)


def part_of(geometry: Mesh | Points, values: np.ndarray) -> Mesh | Points:
    """What is selected by half or more: triangles with all their corners, or points, with their fields."""
    chosen = np.asarray(values) >= SELECTED
    if isinstance(geometry, Mesh):
        faces = chosen[geometry.triangles].all(axis=1)
        used = np.zeros(geometry.vertex_count, bool)
        used[geometry.triangles[faces]] = True
        return replace(keep(geometry, faces, used), notes=())
    normals = geometry.normals[chosen] if geometry.normals is not None else None
    fields = {name: replace(field, values=field.values[chosen]) for name, field in geometry.fields.items()}
    return replace(geometry, positions=geometry.positions[chosen], normals=normals, fields=fields, notes=())


def _positions(project: Project, selection: Selection) -> np.ndarray:
    """Where a selection's values belong [mm, world], shape (n, 3)."""
    if selection.points is not None:
        return selection.points
    item = project.object(selection.of)
    assert item is not None  # a selection goes with its object
    return item.positions


def _tr(text: str) -> str:
    return QCoreApplication.translate("Masking", text)
