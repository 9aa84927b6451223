"""Selecting: gestures of the selection tool become the working selection, and what a person does with it.

A press is one step of undo. What it makes is worked out in another thread and shown as it comes; it is in the Document
when the press has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from app.document.document import Document
from app.document.project import RESULT, Selection
from app.document.topic import Topic
from app.viewport.colours import SELECTED, SELECTION_COLOURS
from app.viewport.records import SelectionGesture, SelectionView
from app.work.elements import Elements, reach_of
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.geometry.selection import SELECTED as SELECTED_FROM
from engine.geometry.selection import connected, grow, invert, shrink, smooth

if TYPE_CHECKING:
    from app.viewport.view import Viewport

LARGE = 200_000
"""Elements from which on what a selection needs takes so long to make that it is shown as a task."""


@dataclass(frozen=True)
class _Stroke:
    """A press under way: what was selected before it, and what is now."""

    elements: Elements
    before: np.ndarray
    values: np.ndarray

    @property
    def selection(self) -> Selection:
        return self.elements.selection(self.values)


class Selecting:
    """The working selection (its name is "") and those that were kept under a name.

    hidden : names of those that are not shown
    `painted` tells of a stroke for the region of a Term (kind of the Term, its whole region as a selection).

    follows : the kept one that was selected again to change it: it changes with the working one, so that a mask can be
        painted while a Run goes on
    """

    def __init__(self, document: Document, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._tasks = tasks
        self._notices = notices
        self._viewport: Viewport | None = None
        self._elements: Elements | None = None
        self._waiting: list[SelectionGesture] = []
        self._at_work = False
        self._stroke: _Stroke | None = None
        self.hidden: set[str] = set()
        self.follows = ""
        self.painted = Topic()
        document.selections_changed.subscribe(self.draw)
        document.objects_changed.subscribe(self.draw)

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to the selection tool of this one, and show what is selected in it."""
        self._viewport = viewport
        viewport.selected.connect(self.gesture)
        self.draw()

    @property
    def working(self) -> Selection | None:
        return self._document.project.selection("")

    # What the tool does

    def gesture(self, gesture: SelectionGesture) -> None:
        """Select what a gesture says; of those that wait for their turn, one replaces or joins the one before."""
        if self._waiting and (merged := _merged(self._waiting[-1], gesture)) is not None:
            self._waiting[-1] = merged
        else:
            self._waiting.append(gesture)
        self._go_on()

    def _go_on(self) -> None:
        if self._at_work or not self._waiting:
            return
        gesture = self._waiting.pop(0)
        if gesture.cancelled:
            self._forget_stroke()
            self._go_on()
            return
        if not gesture.of:  # a click beside everything: only one that replaces means something
            if gesture.operation == "replace" and self.working is not None:
                self.clear()
            self._go_on()
            return
        elements = self._stroke.elements if self._stroke is not None else self._elements_of(gesture.of)
        if elements is None:
            self._go_on()
            return
        self._at_work = True
        before = self.region_of(gesture.term, elements.of) if gesture.term else self.working
        self._do(elements, partial(_after, elements, self._stroke, before, gesture), partial(self._came, gesture))

    def _came(self, gesture: SelectionGesture, stroke: _Stroke) -> None:
        self._at_work = False
        if gesture.ended:
            self._stroke = None
            if gesture.term:
                self.painted(gesture.term, stroke.selection)
                self.draw()
            else:
                self._change(_step(gesture), stroke.selection)
        else:
            self._stroke = stroke
            self.draw()
        self._go_on()

    def _forget_stroke(self) -> None:
        self._stroke = None
        self.draw()

    def region_of(self, kind: str, of: str) -> Selection | None:
        """The region of a Term of a kind, that was painted on this object or on the Run's surface."""
        document = self._document
        found = (document.project.selection(spec.mask) for spec in document.study.terms if spec.kind == kind)
        return next((region for region in found if region is not None and region.name and region.of == of), None)

    # What a person does with it

    def select_all(self, of: str) -> None:
        """All of an object, or of the Run's surface."""
        elements = self._elements_of(of)
        if elements is not None:
            every = np.ones(elements.count, np.float32)
            self._do(elements, lambda: elements.selection(every), partial(self._change, "select all"))

    def clear(self) -> None:
        """Nothing is selected any more."""
        project = self._document.project
        if self.working is not None:
            self.follows = ""
            self._document.change("select nothing", project.without_selection(""))

    def invert(self) -> None:
        self._alter("invert the selection", lambda elements, values: invert(values))

    def grow(self, distance: float) -> None:
        """Also what lies within `distance` [mm] along the surface."""
        self._alter("grow the selection", lambda elements, values: grow(elements.graph, values, distance))

    def shrink(self, distance: float) -> None:
        """Not what lies within `distance` [mm] of the rim, along the surface."""
        self._alter("shrink the selection", lambda elements, values: shrink(elements.graph, values, distance))

    def leave(self) -> None:
        """What is selected from now on does not change a kept selection."""
        self.follows = ""
        self._document.selections_changed()

    def connect(self) -> None:
        """All that hangs together with it."""
        self._alter(
            "select what is connected",
            lambda elements, values: connected(elements.graph, np.flatnonzero(values >= SELECTED_FROM)),
        )

    def smooth(self) -> None:
        """A softer rim."""
        self._alter("soften the selection", lambda elements, values: smooth(elements.graph, values, rounds=3))

    def keep(self, name: str) -> None:
        """Keep the working selection under a name, in place of one that has it."""
        working = self.working
        if working is not None and name:
            self.follows = ""
            self._change(f"keep the selection {name}", replace(working, name=name))

    def take(self, name: str) -> None:
        """Make a kept selection the working one."""
        kept = self._document.project.selection(name)
        if kept is not None:
            self.follows = name
            self._change(f"select {name}", replace(kept, name=""))

    def remove(self, name: str) -> None:
        """Forget a kept selection; Terms that it was a mask of count everywhere again."""
        if self._document.project.selection(name) is not None:
            project = self._document.project.without_selection(name)
            self._document.change(f"remove the selection {name}", project)

    def show(self, name: str, visible: bool) -> None:
        """Show or hide a kept selection."""
        (self.hidden.discard if visible else self.hidden.add)(name)
        self.draw()

    def colour_of(self, name: str) -> str:
        """In which it is shown."""
        names = [item.name for item in self._document.project.selections if item.name]
        return SELECTION_COLOURS[names.index(name) % len(SELECTION_COLOURS)] if name in names else SELECTED

    # Drawing

    def draw(self) -> None:
        """Show the selections as they are now, and the press under way."""
        if self._viewport is None:
            return
        shown = [item for item in self._document.project.selections if item.name and item.name not in self.hidden]
        working = self.working if self._stroke is None else self._stroke.selection
        if working is not None:
            shown.append(working)
        self._viewport.set_selections([_view(item, self.colour_of(item.name)) for item in shown])

    # Inner workings

    def _alter(self, step: str, change: Callable[[Elements, np.ndarray], np.ndarray]) -> None:
        """Let the working selection become what `change` makes of its values."""
        working = self.working
        elements = None if working is None else self._elements_of(working.of)
        if elements is not None:
            self._do(
                elements,
                lambda: elements.selection(change(elements, elements.carried(working))),
                partial(self._change, step),
            )

    def _change(self, step: str, selection: Selection) -> None:
        project = self._document.project.with_selection(selection)
        followed = project.selection(self.follows) if self.follows and not selection.name else None
        if followed is not None and followed.of == selection.of:
            project = project.with_selection(replace(selection, name=followed.name))
        self._document.change(step, project)

    def _do(self, elements: Elements, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        title = f"Selecting on {elements.of}" if elements.count > LARGE else ""
        self._tasks.do(work, done, self._failed, title=title)

    def _failed(self, error: BaseException) -> None:
        self._at_work = False
        self._waiting.clear()
        self._forget_stroke()
        self._notices.say(error)

    def _elements_of(self, of: str) -> Elements | None:
        """Those of an object or of the Run's surface as it is now; the last ones, as long as they are the same."""
        item = self._document.object(of)
        if item is not None:
            elements = Elements.of_object(item)
        else:
            snapshot = self._viewport.snapshot if of == RESULT and self._viewport is not None else None
            if snapshot is None or not len(snapshot.arrays.get("vertices", ())):
                return None
            elements = Elements.of_result(snapshot)
        if self._elements is None or not self._elements.same_as(elements):
            self._elements = elements
        return self._elements


def _after(elements: Elements, stroke: _Stroke | None, working: Selection | None, gesture: SelectionGesture) -> _Stroke:
    before, values = (stroke.before, stroke.values) if stroke is not None else (elements.carried(working),) * 2
    # Stamps add up; a wider distance along the surface stands in place of the narrower one.
    base = values if gesture.mode == "brush" else before
    return _Stroke(elements, before, elements.after(base, gesture))


def _merged(earlier: SelectionGesture, later: SelectionGesture) -> SelectionGesture | None:
    """One gesture for two of the same press, None where they are not."""
    if (
        earlier.ended
        or earlier.cancelled
        or (earlier.of, earlier.mode, earlier.term) != (later.of, later.mode, later.term)
    ):
        return None
    if later.cancelled or later.mode != "brush":
        return later
    return replace(later, positions=np.concatenate([earlier.positions, later.positions]))


def _view(selection: Selection, colour: str) -> SelectionView:
    reach = 0.0 if selection.points is None else reach_of(selection.points)
    return SelectionView(selection.of, selection.values, colour, selection.points, reach)


def _step(gesture: SelectionGesture) -> str:
    """What undo calls it."""
    if gesture.operation == "subtract":
        return "deselect"
    return "add to the selection" if gesture.operation == "add" else "select"
