"""The scene of objects: which are open and chosen, how they are called, shown, grouped and placed, what each is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QCoreApplication

from app.document import scene
from app.document.document import Document
from app.document.placement import Placement
from app.document.project import Project, SceneObject
from app.document.steering import unique
from app.document.topic import Topic
from app.panels.error_bar import RUN
from app.viewport.view import Viewport
from app.work.notices import Notices
from app.work.target import Target
from engine.core.errors import FormwrightError


class Scene:
    """What a person does with objects; each is a step of undo.

    `chosen` are the objects that the next command is about, the current one last; `chosen_changed` tells of them.
    """

    def __init__(self, document: Document, target: Target, notices: Notices) -> None:
        self._document = document
        self._target = target
        self._notices = notices
        self._viewport: Viewport | None = None
        self.chosen: tuple[str, ...] = ()
        self.chosen_changed = Topic()
        document.selection_changed.subscribe(self._selected)
        document.objects_changed.subscribe(self._forget_lost)

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to its gizmo, which stands at the current object."""
        self._viewport = viewport
        viewport.object_picked.connect(self._picked)
        viewport.placement_dragged.connect(self.drag)
        viewport.set_gizmo(self.current.name if self.current else "")

    # Choosing -----------------------------------------------------------------------------------------------------

    def choose(self, names: Sequence[str]) -> None:
        """Choose objects by name; no step of undo."""
        known = tuple(name for name in names if self._document.object(name) is not None)
        if known != self.chosen:
            self.chosen = known
            self._tell_chosen()
        self._document.select(names[-1] if names else "")

    @property
    def chosen_objects(self) -> list[SceneObject]:
        """In the order of the scene."""
        return [item for item in self._document.objects if item.name in self.chosen]

    @property
    def current(self) -> SceneObject | None:
        return self._document.object(self.chosen[-1]) if self.chosen else None

    # Names, looks, order ------------------------------------------------------------------------------------------

    def rename(self, name: str, new: str) -> None:
        """Call an object otherwise."""

        def change() -> Project:
            return scene.renamed(self._document.project, name, new)

        chosen = [new.strip() if other == name else other for other in self.chosen]
        if self._try(f"rename {name} to {new.strip()}", change):
            self._target.renamed(name, new.strip())
            self.choose(chosen)

    def rename_group(self, group: str, new: str) -> None:
        self._try(f"rename group {group} to {new.strip()}", lambda: scene.regrouped(self._document.project, group, new))

    def show(self, names: Sequence[str], visible: bool) -> None:
        verb = "show" if visible else "hide"
        self._document.change(f"{verb} {spoken(names)}", scene.shown(self._document.project, names, visible))

    def colour(self, names: Sequence[str], colour: str) -> None:
        """colour : "#rrggbb" """
        self._document.change(f"colour of {spoken(names)}", scene.coloured(self._document.project, names, colour))

    def move(self, names: Sequence[str], before: str | None, group: str) -> None:
        """Change the order of objects: before another one, in a group ("" for none)."""
        project = scene.moved(self._document.project, names, before, group)
        self._document.change(f"move {spoken(names)}", project)

    def group(self) -> None:
        """Put the chosen objects into a new group."""
        if self.chosen:
            name = unique("Group", scene.groups(self._document.project))
            step = f"group {spoken(self.chosen)}"
            self._document.change(step, scene.grouped(self._document.project, self.chosen, name))

    def ungroup(self) -> None:
        """Take the chosen objects out of their groups."""
        self._document.change(f"ungroup {spoken(self.chosen)}", scene.ungrouped(self._document.project, self.chosen))

    # Coming and going ---------------------------------------------------------------------------------------------

    def duplicate(self) -> None:
        """A copy of each chosen object, beside it; the copies are chosen then."""
        if self.chosen:
            project, copies = scene.duplicated(self._document.project, self.chosen)
            self._document.change(f"duplicate {spoken(self.chosen)}", project)
            self.choose(copies)

    def remove(self, names: Sequence[str]) -> None:
        """Take objects out of the scene."""
        if not names:
            return
        had_target = any(self._document.role_of(name) == self._document.main_role for name in names)
        self._document.change(f"close {spoken(names)}", scene.without(self._document.project, names))
        for name in names:
            self._notices.past(name)
        if had_target and not self._document.run.active:
            self._notices.past(RUN)

    def use_as_target(self, name: str) -> None:
        """The study is about this object from now on."""
        self._notices.noted(self._target.use(name))
        if not self._document.run.active:
            self._notices.past(RUN)

    # Placing ------------------------------------------------------------------------------------------------------

    def place(self, placements: dict[str, Placement], step: str = "", *, gesture: str = "") -> None:
        """Let objects stand elsewhere; changes of the same gesture are one step of undo."""
        if not placements:
            return
        names = list(placements)
        project = scene.placed(self._document.project, placements)
        self._document.change(step or f"move {spoken(names)}", project, gesture=gesture)

    def place_chosen(self, placements: dict[str, Placement], what: str, *, gesture: str) -> None:
        """A number of the placement was typed or turned; `what` it is called."""
        self.place(placements, f"{what} of {spoken(self.chosen)}", gesture=gesture)
        self.say_what_runs(placements)

    def refuse(self, error: FormwrightError) -> None:
        """What was typed makes no sense here."""
        self._notices.say(error)

    def drag(self, name: str, placement: Placement, ended: bool) -> None:
        """The gizmo is dragged; the whole drag is one step of undo. Bodies of a scene are not placed here."""
        if self._document.object(name) is None:
            return
        self.place({name: placement}, f"place {name}", gesture=f"place {name}")
        if ended:
            self._document.undo_stack.end_gesture()
            self.say_what_runs([name])

    def say_what_runs(self, names: Iterable[str]) -> None:
        """A Run goes on with the geometry that it began with; who moves it should know."""
        document = self._document
        if document.run.active and any(document.role_of(name) and not document.follows(name) for name in names):
            self._notices.noted(
                _tr("The run goes on with the geometry it began with; the next one uses the new placement")
            )

    def put_on_the_ground(self) -> None:
        self._place_each("place {} on the ground", scene.on_the_ground)

    def put_in_the_centre(self) -> None:
        self._place_each("centre {}", scene.centred)

    def reset_placement(self) -> None:
        """Where their files put them."""
        self._place_each("reset the placement of {}", lambda items: {item.name: Placement() for item in items})

    def resize(self, axis: int, size: float, *, uniform: bool) -> None:
        """Let the chosen objects be `size` [mm] long along an axis."""

        def resized(items: Iterable[SceneObject]) -> dict[str, Placement]:
            return {item.name: scene.resized(item, axis, size, uniform=uniform) for item in items}

        self._place_each("size of {}", resized)

    # --------------------------------------------------------------------------------------------------------------

    def _place_each(self, step: str, placements: Callable[[Iterable[SceneObject]], dict[str, Placement]]) -> None:
        try:
            found = placements(self.chosen_objects)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self.place(found, step.format(spoken(self.chosen)))
        self.say_what_runs(found)

    def _try(self, step: str, change: Callable[[], Project]) -> bool:
        try:
            self._document.change(step, change())
        except FormwrightError as error:
            self._notices.say(error)
            return False
        return True

    def _selected(self) -> None:
        """Something was chosen elsewhere, in the viewport."""
        name = self._document.selected
        if self.chosen[-1:] != (name,) and (self._document.object(name) is not None or self.chosen):
            self.chosen = (name,) if self._document.object(name) is not None else ()
            self._tell_chosen()

    def _forget_lost(self) -> None:
        known = tuple(name for name in self.chosen if self._document.object(name) is not None)
        if known != self.chosen:
            self.chosen = known
            self._tell_chosen()

    def _picked(self, name: str) -> None:
        if self._document.object(name) is not None:
            self.choose([name])

    def _tell_chosen(self) -> None:
        if self._viewport is not None:
            self._viewport.set_gizmo(self.current.name if self.current else "")
        self.chosen_changed()


def spoken(names: Sequence[str]) -> str:
    """What a step of undo calls these objects."""
    return names[0] if len(names) == 1 else f"{len(names)} objects"


def _tr(text: str) -> str:
    return QCoreApplication.translate("Scene", text)
