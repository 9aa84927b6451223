"""The study *Simulate*: a Scene that goes on in time, a step an iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.device import Device
from engine.core.errors import FormwrightError, ParameterError
from engine.core.leaves import State
from engine.geometry.mesh import Mesh
from engine.geometry.topology import euler_and_parts
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.scene import PlaneShape, Scene
from engine.protocol.session import Sensitivity
from engine.protocol.study import TermSpec
from engine.protocol.trajectory import Layout
from engine.simulation.stepper import Snapshot, Solved
from engine.simulation.world.world import Pulled, World
from engine.studies.divided import divided_info
from engine.studies.failed_step import failed_step
from engine.studies.frames import Frames, Kept, trajectory_bodies
from engine.studies.moments import moment_of, moment_state
from engine.studies.numbers import number_names, sensitivity_of
from engine.studies.problem import AdvancingStudy
from engine.studies.recent_steps import RecentSteps

MILLIMETRES = 1000.0


class SimulateProblem(AdvancingStudy):
    """Implements `engine.studies.problem.AdvancingStudy`: a World, and the frames of what it does.

    Every step begins with a solver that knows nothing of the one before, so that a state may be taken, or looked at, at
    any time: what comes next is the same to the last bit.

    notes : sentences for the user
    divided : in how many parts each step was taken that could not be taken whole
    """

    def __init__(self, world: World, device: Device, *, notes: tuple[str, ...] = ()) -> None:
        self.world = world
        self.stepper = world.stepper()
        self.recent = RecentSteps()
        drawn = trajectory_bodies(world)
        self.frames = Frames(_layout(world), drawn)
        self._colours = [body.colour for body in drawn]
        self._device = device
        self._notes = notes
        start = world.positions.cpu().numpy()
        # Whole millimetres, so that nothing is rounded twice; float32 is exact enough about it.
        self._origin = np.round(MILLIMETRES * 0.5 * (start.min(axis=0) + start.max(axis=0)))
        self._triangles = world.triangles.astype(np.int32)
        self._stretch = ""
        self._kept: Kept | None = None
        self._solved: Solved | None = None
        self.divided: dict[int, int] = {}

    @property
    def device(self) -> Device:
        return self._device

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

    # -- advancing ------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> int:
        """Steps of the scene."""
        return self.world.scene.time.steps

    def losses(self) -> dict[str, float]:
        """Energies by kind [J]; "loss" is their total."""
        losses = {"loss": sum(self._now().energies.values())}
        for name, value in self._now().energies.items():
            kind = f"term:{name.rpartition('.')[2]}"  # "cloth.bending" is of the kind "bending"
            losses[kind] = losses.get(kind, 0.0) + value
        return losses

    def advance(self) -> None:
        """A step of time, and its frame."""
        stepper = self.stepper
        before = stepper.snapshot()
        stretch, solved, kept = self._stretch, self._solved, self._kept
        try:
            if self.frames.of(stretch) is None:
                step = stepper.moment.step
                stretch = self.frames.add("", step, stepper.time, self._positions(), self._now())
            self._solved = stepper.step(self.world.held_during(stepper.moment.step))
            self._kept = None
            self._stretch = self.frames.add(stretch, stepper.moment.step, stepper.time, self._positions(), self._now())
        except FormwrightError as error:
            stepper.restore(before)
            self._stretch, self._solved, self._kept = stretch, solved, kept
            raise failed_step(error, self.world, stepper.positions) from error
        self.recent.made(before)
        if self._solved.earlier_parts:
            self.divided[stepper.moment.step] = len(self._solved.parts)

    def keep_in(self, folder: Path | None, before: Path | None = None) -> None:
        self.frames.keep_in(folder, before)

    def close(self) -> None:
        self.frames.close()

    # -- steering -------------------------------------------------------------------------------------------------

    def terms(self) -> list[TermSpec]:
        return []

    def apply(self, edit: Edit) -> Edit | None:
        inverse: Edit
        match edit:
            case edit_kinds.SetScene():
                inverse = edit_kinds.SetScene(scene=self.world.scene)
                self._take(edit.scene)
            case edit_kinds.Pull():
                inverse = self._letting_go(edit)
                target = edit.target
                metres = None if target is None else (target[0] * 1e-3, target[1] * 1e-3, target[2] * 1e-3)
                self.world.pull(edit.name, edit.body, edit.vertex, metres, edit.stiffness)
            case _:
                raise ParameterError(edit.edit, "a simulation does not know this Edit.")
        self.recent.clear()
        self._kept = None
        return inverse

    def _take(self, scene: Scene) -> None:
        """Raises `ParameterError`, and changes nothing, where the scene wants another World."""
        self.world.update(scene)
        self.stepper.divide = scene.time.divide
        self.frames.layout = _layout(self.world)  # there may be other sensors

    def _letting_go(self, edit: edit_kinds.Pull) -> Edit:
        """What brings the pull of that name back to what it is now."""
        before = self.world.pulls.get(edit.name)
        if before is None:
            return edit.model_copy(update={"target": None})
        owner = self.world.owner(before.vertex)
        x, y, z = before.target
        return edit_kinds.Pull(
            name=edit.name,
            body=owner.name,
            vertex=before.vertex - owner.vertices.start,
            target=(MILLIMETRES * x, MILLIMETRES * y, MILLIMETRES * z),
            stiffness=before.stiffness,
        )

    # -- going back -----------------------------------------------------------------------------------------------

    def state(self) -> State:
        return {
            **moment_state(Snapshot(self.stepper.moment, self.world.system.states())),
            "scene": self.world.scene.model_dump(mode="json"),
            "pulls": {name: asdict(pull) for name, pull in self.world.pulls.items()},
            "stretch": self._stretch,
            "divided": [list(pair) for pair in self.divided.items()],
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        scene = Scene.model_validate(values["scene"])
        if scene != self.world.scene:
            self._take(scene)
        self.world.restore_pulls(_pulls(values["pulls"]))
        self.stepper.restore(moment_of(values, self.stepper, self.world.system))
        self._stretch = str(values["stretch"])
        self.divided = {int(step): int(parts) for step, parts in values.get("divided", [])}
        self.recent.clear()
        self._kept, self._solved = None, None

    # -- looking --------------------------------------------------------------------------------------------------

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        now = self._now()
        bodies = list(self.world.bodies.values())
        owners = np.zeros(len(self.world.positions), np.int32)
        for number, body in enumerate(bodies):
            owners[body.vertices] = number
        arrays = {
            "vertices": (MILLIMETRES * self._positions() - self._origin).astype(np.float32),
            "triangles": self._triangles,
            "body": owners,
            **{name: np.asarray(values, np.float32) for name, values in now.fields.items()},
        }
        trajectory = self.frames.of(self._stretch)
        info: dict[str, Any] = {
            "bodies": [body.name for body in bodies],
            "colours": self._colours,
            "numbers": number_names(self.world),
            "time": self.stepper.time,
            "pull_stiffness": {name: pull.stiffness for name, pull in self.world.pulls.items()},
            "trajectory": "" if trajectory is None else str(trajectory),
            "scalars": {f"sensor:{name}": value for name, value in now.scalars.items() if np.isfinite(value)},
            **divided_info(self.divided),
        }
        x, y, z = self._origin.tolist()
        return (x, y, z), arrays, info

    def topology(self) -> tuple[int, int]:
        return euler_and_parts(self._triangles)

    def result_mesh(self) -> Mesh:
        """The surfaces of all bodies that are visible [mm, world]."""
        return self._mesh_of([name for name in self.world.bodies if self.world.scene.body(name).visible])

    def _mesh_of(self, names: list[str]) -> Mesh:
        seen = [self.world.bodies[name].triangles for name in names]
        triangles = np.concatenate([np.zeros((0, 3), np.int64), *seen])
        used, numbers = np.unique(triangles, return_inverse=True)
        return Mesh(
            MILLIMETRES * self._positions()[used],
            numbers.reshape(-1, 3).astype(np.int32),
            name=self.world.scene.name or "simulation",
        )

    def quality_sheet(self) -> dict[str, Any]:
        """Of what `result_mesh` is, with a verdict for bodies that move: sheets are open, and are not to be printed."""
        from engine.geometry.sheet import quality_sheet

        sheet = quality_sheet(self.result_mesh(), device=self._device)
        crossing, flat = sheet.intersecting_triangles, sheet.degenerate_triangles
        verdict = [f"{crossing} triangles run through others." if crossing else "Nothing runs through anything."]
        verdict += [f"{flat} triangles have no area."] if flat else []
        return sheet.to_dict() | {"verdict": verdict}

    def sensitivity(self, number: str, horizon: int, between: Callable[[], None]) -> Sensitivity:
        """What a number depends on; nothing of the Run changes. `between` is called before every step, and may end
        it. Raises `ParameterError`."""
        before = self.recent.back(horizon)
        return sensitivity_of(self.world, self.stepper, before, number, horizon, between)

    def thumbnail(self, size: int = 96) -> np.ndarray:
        from engine.rendering.picture import thumbnail

        scene = self.world.scene
        ground = {body.name for body in scene.obstacles if isinstance(body.shape, PlaneShape)}
        names = [name for name in self.world.bodies if scene.body(name).visible]
        # The ground would be most of a small picture, and says least.
        mesh = self._mesh_of([name for name in names if name not in ground] or names)
        return thumbnail(mesh.vertices, mesh.triangles, size)

    def _positions(self) -> np.ndarray:
        """[m], float64, shape (vertex_count, 3)."""
        return np.asarray(self.stepper.positions.cpu().numpy())

    def _now(self) -> Kept:
        """Energies, sensors and fields of the present state; without the forces of the last step after a `restore`."""
        if self._kept is None:
            with torch.no_grad():
                found = self.world.readings(self.stepper, self._solved)
            self._kept = Kept(found.energies, found.scalars, found.fields)
        return self._kept


def _layout(world: World) -> Layout:
    names = world.reading_names()
    return Layout(len(world.positions), tuple(names.energies), tuple(names.scalars), tuple(names.fields), "single")


def _pulls(values: Mapping[str, Any]) -> dict[str, Pulled]:
    pulls = {}
    for name, pull in values.items():
        x, y, z = pull["target"]
        pulls[name] = Pulled(int(pull["vertex"]), (float(x), float(y), float(z)), float(pull["stiffness"]))
    return pulls
