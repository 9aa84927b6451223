"""Steering: weights and parameters of Terms, handles, the freeze brush. Each is a step of undo that a Run follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.viewport.view import Viewport
from app.work.masking import Masking
from app.work.notices import Notices
from engine.core.errors import FormwrightError
from engine.protocol.edits import AddTerm, Edit, PaintFreeze, RemoveTerm, SetParameter, SetWeight
from engine.protocol.study import TermSpec


class Steering:
    """Changes of the Study while it runs, or before. Changes of one gesture (a drag) are one step of undo."""

    def __init__(self, document: Document, masking: Masking, notices: Notices) -> None:
        self._document = document
        self._masking = masking
        self._notices = notices
        self._viewport: Viewport | None = None

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to its handles, its arrows and planes, and its freeze brush."""
        self._viewport = viewport
        viewport.handle_placed.connect(self.place_handle)
        viewport.handle_moved.connect(self.move_handle)
        viewport.handle_withdrawn.connect(self.withdraw_handle)
        viewport.handle_selected.connect(self._document.select)
        viewport.term_placed.connect(self.place_term)
        viewport.painted.connect(self.paint)

    # Terms --------------------------------------------------------------------------------------------------------

    def set_weight(self, term: str, weight: float) -> None:
        title = self._document.term_title(term)
        self._steer(SetWeight(term=term, weight=weight), f"weight of {title}", gesture=f"weight {term}")

    def set_parameter(self, owner: str, name: str, value: Any, *, live: bool = True) -> None:
        """Change a parameter; one that is not live waits for the next Run."""
        document = self._document
        if value is None and owner == "study":
            parameters = {key: kept for key, kept in document.study.parameters.items() if key != name}
            study = document.study.model_copy(update={"parameters": parameters})
            document.change(f"reset {name.replace('_', ' ')}", replace(document.project, study=study))
            return
        title = name.replace("_", " ")
        if name == "enabled":
            title = "switching on" if value else "switching off"
        self._steer(
            SetParameter(owner=owner, name=name, value=value),
            title if owner in ("study", "optimizer") else f"{title} of {document.term_title(owner)}",
            gesture=f"{owner} {name}",
        )

    def add_term(self, kind: str) -> None:
        """Add a Term by its kind; one that has a place is made in the viewport, one about a region takes the working
        selection."""
        entry = self._document.catalogue.term(kind) if self._document.catalogue else None
        if entry is not None and entry.needs_mask:
            self._masking.add_term(kind)
            return
        if entry is not None and entry.place == "point" and self._viewport is not None:
            self._viewport.set_tool("handle")
            self._notices.noted(_tr("Press on the surface to place the handle, and drag to pull"))
            return
        placed = self._in_the_middle() if entry is not None and entry.place == "plane" else {}
        try:
            name = self._document.add_term(kind, entry.title if entry else kind, placed)
            if entry is not None and entry.place:
                self._document.select(name)
                self._notices.noted(_tr("Drag the arrow in the view to turn it; Ctrl keeps it on an axis"))
        except FormwrightError as error:
            self._notices.say(error)

    def remove_term(self, name: str) -> None:
        self._steer(RemoveTerm(term=name), f"remove {self._document.term_title(name)}")

    # Handles ------------------------------------------------------------------------------------------------------

    def place_handle(self, position: tuple[float, float, float]) -> None:
        """A handle at a point of the surface, pulling nowhere yet; its radius is 5 % of the diagonal.

        The drag that may follow before the button is up is the same step of undo.
        """
        document = self._document
        entries = document.catalogue.terms if document.catalogue else []
        kind = next((entry.kind for entry in entries if entry.place == "point"), "handle")
        count = len(document.handles()) + 1
        while any(spec.name == f"Handle {count}" for spec in document.study.terms):
            count += 1
        name = f"Handle {count}"
        place = [float(value) for value in position]
        radius = float(f"{0.05 * (document.diagonal() or 20.0):.3g}")
        spec = TermSpec(
            kind=kind, name=name, weight=1.0, parameters={"anchor": place, "target": list(place), "radius": radius}
        )
        self._steer(AddTerm(spec=spec), f"add {name}", gesture=f"move {name}")
        document.select(name)

    def withdraw_handle(self, name: str) -> None:
        """Escape while a handle is being placed: it never was."""
        if self._document.undo_stack.undo_name == f"add {name}":
            self._document.undo()

    def move_handle(self, name: str, target: tuple[float, float, float], ended: bool) -> None:
        """A handle is dragged; the whole drag is one step of undo."""
        edit = SetParameter(owner=name, name="target", value=[float(value) for value in target])
        self._steer(edit, f"move {name}", gesture=f"move {name}")
        if ended:
            self._document.undo_stack.end_gesture()

    # Arrows and planes ----------------------------------------------------------------------------------------------

    def place_term(self, name: str, parameter: str, value: tuple[float, float, float], ended: bool) -> None:
        """The arrow or the plane of a Term is dragged; the whole drag is one step of undo."""
        edit = SetParameter(owner=name, name=parameter, value=[float(f"{number:.6g}") for number in value])
        title = self._document.term_title(name)
        self._steer(edit, f"place {title}", gesture=f"place {name}")
        if ended:
            self._document.undo_stack.end_gesture()

    def _in_the_middle(self) -> dict[str, list[float]]:
        box = self._viewport.bounds() if self._viewport is not None else None
        return {} if box is None else {"point": [float(f"{value:.6g}") for value in (box[0] + box[1]) / 2.0]}

    # The freeze brush ---------------------------------------------------------------------------------------------

    def paint(self, centres: list[tuple[float, float, float]], radius: float, frozen: bool) -> None:
        """Freeze or thaw what lies under the brush; the whole stroke is one step of undo."""
        edit = PaintFreeze(centres=list(centres), radius=radius, frozen=frozen)
        self._steer(edit, "freeze" if frozen else "thaw", gesture="paint")

    def _steer(self, edit: Edit, name: str, *, gesture: str = "") -> None:
        try:
            self._document.steer(edit, name, gesture=gesture)
        except FormwrightError as error:
            self._notices.say(error)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Steering", text)
