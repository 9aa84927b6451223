"""What studies that optimise through a simulation share: a design, the scene simulated with it, Terms on the motion.

The gradient of every Term comes back through all steps by `engine.simulation.adjoint.simulate`. Metres and seconds
within; what is looked at is in millimetres.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, NonFiniteError, ParameterError
from engine.core.leaves import Remap, State
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import euler_and_parts
from engine.objectives.moving import MotionContext, MotionEvaluation, MovingBody, Pattern, vertex_shares
from engine.objectives.recorded import RecordedMotion
from engine.objectives.target_shape import MILLIMETRE, TargetShape
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.scene import Scene
from engine.protocol.study import Study, TermSpec
from engine.simulation.adjoint import simulate
from engine.simulation.errors import StepError
from engine.simulation.newton import NewtonSettings
from engine.simulation.world.world import World, build_world
from engine.studies.divided import divided_info
from engine.studies.elsewhere import Elsewhere
from engine.studies.live_parameters import with_edit
from engine.studies.sensitivity import shape_sensitivity
from engine.studies.shown_motion import Motions, TrajectoryFolder, design_bytes
from engine.studies.simulated_parameters import SimulatedParameters
from engine.studies.term_set import TermSet

SIMULATION = "the simulation"
"""What a failure names that no Term is to blame for."""

TARGET = "target"
"""Role of the input that can be moved while a Run goes on."""

METRES = Frame((0.0, 0.0, 0.0), MILLIMETRE)
"""The working frame of these studies."""


@dataclass(frozen=True)
class Controls:
    """What a design makes of the scene, in torch's graph.

    parameters : physical numbers, as `World.physical_parameters` names them
    positions : of all vertices at the start [m], shape (vertex_count, 3); the scene's where None
    poses : of what is moved, at the start and after each step, shape (steps + 1, 6 or 7)
    pattern, fold_angles : as of a `MotionEvaluation`
    """

    parameters: Mapping[str, Tensor] = field(default_factory=dict)
    positions: Tensor | None = None
    poses: Mapping[str, Tensor] = field(default_factory=dict)
    pattern: Pattern | None = None
    fold_angles: Tensor | None = None


class SimulatedProblem(ABC):
    """Implements `engine.studies.problem.StudyProblem` on a World; a subclass says what the design is.

    study : as it was asked for
    inputs : of its roles
    parameters : of the study
    world : of its scene
    terms : the wishes
    recording, shape : what is to be met
    """

    def __init__(
        self,
        study: Study,
        inputs: Mapping[str, Any],
        parameters: SimulatedParameters,
        world: World,
        terms: list[TermSpec],
        *,
        recording: RecordedMotion | None = None,
        shape: TargetShape | None = None,
    ) -> None:
        self.study = study
        self.inputs = dict(inputs)
        self.parameters = parameters
        self.world = world
        self.shape = shape
        self._device = Device("cpu")
        self._bodies = {
            name: MovingBody(
                body.vertices,
                torch.as_tensor(body.triangles),
                vertex_shares(torch.as_tensor(body.start), torch.as_tensor(body.own_triangles)),
                body.kind,
            )
            for name, body in world.bodies.items()
        }
        self._terms = TermSet(
            terms,
            MotionContext(METRES, None, self._device, study.study, self._bodies, recording, shape),
        )
        self._tensors = {name: start.requires_grad_() for name, start in self._start().items()}
        self._motions = Motions()
        self._folder = TrajectoryFolder(world)
        self._iteration, self._progress = 0, 0.0
        self._active: list[str] = []
        self._simulations = 0
        self._divided: dict[int, int] = {}
        self._evaluated: tuple[bytes, Tensor] | None = None

    # -- what a study says ------------------------------------------------------------------------------------------

    @abstractmethod
    def _start(self) -> dict[str, Tensor]:
        """The design to begin with, float64, in units in which steps of 1 are large."""

    @abstractmethod
    def _controls(self) -> Controls:
        """What the design makes of the scene."""

    def _report(self) -> dict[str, Any]:
        """What the study has found, for the Snapshot's info."""
        return {}

    # -- descending -------------------------------------------------------------------------------------------------

    @property
    def device(self) -> Device:
        return self._device

    @property
    def iterations(self) -> int:
        return self.parameters.iterations

    @property
    def notes(self) -> tuple[str, ...]:
        numbers = sum(tensor.numel() for tensor in self._tensors.values())
        steps = self.world.scene.time.steps
        return (f"Numbers in the design: {numbers}. Steps of one simulation: {steps}.",)

    @property
    def simulations(self) -> int:
        """How many times the scene has been simulated for the descent."""
        return self._simulations

    def tensors(self) -> dict[str, Tensor]:
        return self._tensors

    def learning_rate_factors(self) -> dict[str, float]:
        return {}

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        self._iteration = iteration
        self._progress = iteration / max(iterations, 1)
        self._active = self._terms.prepare(self, self._progress)
        return []

    def evaluate(self) -> dict[str, Tensor]:
        controls = self._controls()
        self._simulations += 1
        positions = self._simulated(controls)
        if positions.requires_grad:
            positions.retain_grad()
        key = self._key()
        self._motions.keep(key, positions)
        self._evaluated = (key, positions)
        evaluation = MotionEvaluation(
            positions, self.world.scene.time.step, self._bodies, controls.poses, controls.pattern, controls.fold_angles
        )
        return {name: self._terms[name].evaluate(evaluation, self) for name in self._active}

    def weights(self) -> dict[str, float]:
        return {name: self._terms.weight(name, self._progress) for name in self._active}

    def elsewhere(self, count: int) -> Elsewhere:
        self._simulations += count
        return Elsewhere(self.study, self.inputs, self.state(), self._iteration, self._progress)

    def take_progress(self, iteration: int, progress: float) -> None:
        """Be where another process is in its Run."""
        self._iteration, self._progress = iteration, progress
        self._active = self._terms.prepare(self, progress)

    def mask_gradients(self) -> None:  # noqa: B027 -- there is nothing to do
        """Nothing of these designs can be frozen."""

    def after_step(self) -> None:  # noqa: B027 -- most have nothing to do
        """Every design is allowed; a study with limits says otherwise."""

    def _simulated(self, controls: Controls) -> Tensor:
        """Positions at the start and after each step [m]; raises `NonFiniteError` where a step fails."""
        time = self.world.scene.time
        start = self.world.positions if controls.positions is None else controls.positions
        poses = {name: path[1:] for name, path in controls.poses.items()}
        try:
            motion = simulate(
                self.world.system,
                start,
                self.world.velocities,
                steps=time.steps,
                step_size=time.step,
                scheme=time.scheme,
                held=self.world.held_way(time.steps, poses),
                parameters=self.world.expanded(controls.parameters),
                newton=NewtonSettings(tolerance=time.tolerance),
                divide=time.divide,
                memory=self.parameters.memory * 2**20,
            )
        except (StepError, GeometryError, NonFiniteError) as error:
            message = error.message
            if isinstance(error, StepError) and error.place:
                message = error.told(self.world.where(error.place[0]))
            raise NonFiniteError(SIMULATION, self._iteration, message) from error
        self._divided = {step: parts for step, parts in enumerate(motion.parts, 1) if parts > 1}
        return motion.positions

    # -- steering ---------------------------------------------------------------------------------------------------

    def terms(self) -> list[TermSpec]:
        return self._terms.specs()

    def apply(self, edit: Edit) -> Edit | None:
        match edit:
            case edit_kinds.SetParameter(owner="study"):
                return self._set_parameter(edit)
            case edit_kinds.PlaceInput():
                return self._place(edit)
        return self._terms.apply(edit)

    def _place(self, edit: edit_kinds.PlaceInput) -> Edit:
        """Take the target along; what was evaluated before belongs to where it was."""
        shape, matrix = self.shape, np.array(edit.matrix)
        if shape is None or edit.role != TARGET:
            raise ParameterError(edit.role, "nothing of this role can be moved while the Run goes on.")
        if not (np.isfinite(matrix).all() and np.array_equal(matrix[3], (0.0, 0.0, 0.0, 1.0))):
            raise ParameterError(edit.role, "this is no matrix that moves it.")
        before = tuple(tuple(row) for row in shape.matrix.tolist())
        shape.place(matrix)
        return edit.model_copy(update={"matrix": before})

    def _set_parameter(self, edit: edit_kinds.SetParameter) -> Edit:
        old = self.parameters
        self.parameters = with_edit(old, edit)
        return edit.model_copy(update={"value": getattr(old, edit.name)})

    # -- going back -------------------------------------------------------------------------------------------------

    def state(self) -> State:
        return {
            "design": self._design(),
            "parameters": self.parameters.model_dump(),
            **self._terms.state(),
            "target": self.shape.matrix.tolist() if self.shape is not None else [],
            "simulations": self._simulations,
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self._tensors = {
            name: torch.as_tensor(np.array(value)).requires_grad_() for name, value in values["design"].items()
        }
        self.parameters = type(self.parameters).parse(values["parameters"], owner="checkpoint")
        if self.shape is not None and values["target"] != self.shape.matrix.tolist():
            self.shape.place(np.array(values["target"]))
        self._terms.restore(values)
        self._simulations = int(values["simulations"])
        self._evaluated = None

    def _design(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().numpy().copy() for name, tensor in self._tensors.items()}

    def _key(self) -> bytes:
        return design_bytes(dict(self._design()))

    # -- looking ----------------------------------------------------------------------------------------------------

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        motion = self._seen()
        frame = self._frame(motion)
        world = self.world
        owners = np.zeros(motion.shape[1], np.int32)
        for number, body in enumerate(world.bodies.values()):
            owners[body.vertices] = number
        arrays = {
            "vertices": np.ascontiguousarray(motion[frame] / MILLIMETRE, np.float32),
            "triangles": np.asarray(world.triangles, np.int32),
            "body": owners,
            "sensitivity": self._sensitivity(motion, frame),
        }
        info: dict[str, Any] = {
            "bodies": list(world.bodies),
            "time": frame * world.scene.time.step,
            "frames": len(motion),
            "trajectory": str(self._folder.show(motion)),
            "scalars": {"simulations": float(self._simulations)},
            **divided_info(self._divided),
            **self._report(),
        }
        return (0.0, 0.0, 0.0), arrays, info

    def topology(self) -> tuple[int, int]:
        return euler_and_parts(self._shown_triangles())

    def result_mesh(self) -> Mesh:
        return self._mesh_of(self.motion()[-1])

    def quality_sheet(self) -> dict[str, Any]:
        from engine.geometry.sheet import quality_sheet

        reference = self.shape.geometry if self.shape is not None else None
        return {**quality_sheet(self.result_mesh(), reference, device=self._device).to_dict(), **self._report()}

    def thumbnail(self, size: int = 96) -> np.ndarray:
        from engine.rendering.picture import thumbnail

        motion = self._seen()
        return thumbnail(motion[self._frame(motion)] / MILLIMETRE, self._shown_triangles(), size)

    def _frame(self, motion: np.ndarray) -> int:
        return len(motion) - 1 if self.parameters.frame < 0 else min(self.parameters.frame, len(motion) - 1)

    def _seen(self) -> np.ndarray:
        """The motion of the design as it is where that has been simulated, else of the last evaluation."""
        kept = self._motions.of(self._key())
        if kept is None and self._evaluated is not None:
            kept = self._motions.of(self._evaluated[0])
        return kept if kept is not None else self.motion()

    def motion(self) -> np.ndarray:
        """Positions of the design as it is now, at the start and after each step [m]."""
        key = self._key()
        kept = self._motions.of(key)
        if kept is None:
            with torch.no_grad():
                kept = self._motions.keep(key, self._simulated(self._controls()))
        return kept

    def _mesh_of(self, positions: np.ndarray) -> Mesh:
        """The deformable bodies where they are at `positions` [m], as one mesh [mm]."""
        triangles = self._shown_triangles()
        used, numbers = np.unique(triangles, return_inverse=True)
        return Mesh(
            positions[used] / MILLIMETRE, numbers.reshape(-1, 3).astype(np.int32), name=self.world.scene.name or "sheet"
        )

    def _shown_triangles(self) -> np.ndarray:
        parts = [body.triangles for body in self.world.bodies.values() if body.kind in ("sheet", "solid")]
        return np.concatenate(parts).astype(np.int32)

    def _sensitivity(self, motion: np.ndarray, frame: int) -> np.ndarray:
        """Change of the loss per mm of normal motion in this frame, as the Terms that look at it say."""
        if self._evaluated is None or self._evaluated[1].grad is None:
            return np.zeros(motion.shape[1], np.float32)
        positions = self._evaluated[1]
        triangles = torch.as_tensor(self._shown_triangles())
        gradient = positions.grad
        assert gradient is not None
        values = shape_sensitivity(positions.detach()[frame], gradient[frame], triangles, motion.shape[1])
        return (values * MILLIMETRE).to(torch.float32).numpy()


def world_of(study: Study, inputs: Mapping[str, Any]) -> World:
    """The World of a study's scene; raises `ParameterError` where it has none, or one that simulates nothing."""
    scene = required_scene(study)
    torch.set_num_threads(1)  # its tensors are small: a second thread waits more than it works
    return build_world(scene, {name: mesh for name, mesh in inputs.items() if isinstance(mesh, Mesh)})


def required_scene(study: Study) -> Scene:
    if study.scene is None:
        raise ParameterError("scene", f"a study of the kind {study.study!r} simulates one, and has none.")
    if not study.scene.sheets:
        raise ParameterError("scene", "there is no sheet in it.", remedy="Add one.")
    return study.scene


def target_of(study: Study, inputs: Mapping[str, Any], *, wanted: bool) -> TargetShape | None:
    """The study's input "target" as a shape; raises `ParameterError` where it is wanted and not there."""
    geometry = inputs.get("target")
    if geometry is None:
        if wanted:
            raise ParameterError(
                "target", "the Term Shape at the end needs it.", remedy="Open a mesh, or use Terms on points."
            )
        return None
    if not isinstance(geometry, Mesh | Points):
        raise ParameterError("target", "it is neither a mesh nor a scan.")
    return TargetShape(geometry, Device("cpu"))
