"""Reconstruct: a watertight surface descends onto a scan or a mesh."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device, choose_device, require_memory
from engine.core.errors import GeometryError, MemoryLimitError, NonFiniteError, ParameterError
from engine.core.leaves import Remap, State
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.topology import euler_and_parts
from engine.io.shift import NO_SHIFT
from engine.objectives.evaluation import Evaluation
from engine.objectives.open_surface import Painted
from engine.objectives.target import Target
from engine.objectives.term import TermContext
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.snapshot import AnotherAdvised
from engine.protocol.study import TermSpec
from engine.studies.complete_parameters import CompleteParameters
from engine.studies.holding import HeldSides
from engine.studies.live_parameters import with_edit
from engine.studies.reconstruct_parameters import ReconstructParameters
from engine.studies.sensitivity import shape_sensitivity
from engine.studies.specks import enclosed_nodes, supporting_nodes, surplus_parts, unclaimed_parts
from engine.studies.starting import start_field
from engine.studies.term_set import TermSet
from engine.surfaces.kinds import convert, restored, surface_kind
from engine.surfaces.surface import ExtractedSurface, GridField, OpenField, Stroke, Surface

SPECK_INTERVAL = 10
"""Iterations between two looks for specks."""

HIDDEN = 0.25
"""Cells: how far beyond the border a speck of an open surface goes."""

SETTLED = 0.8
"""Part of a Run after which no node changes sides any more."""

log = logging.getLogger(__name__)


class ReconstructProblem:
    """Implements `engine.studies.problem.StudyProblem`: the surface, the Terms and the target.

    parameters : of the study
    terms : the wishes
    geometry : the target as the user knows it [mm]
    target : the same, prepared for distances in the working frame; both None where there is none
    surface : to begin with
    notes : what preparing it left out, sentences for the user; and what would suit it better
    """

    def __init__(
        self,
        parameters: ReconstructParameters | CompleteParameters,
        terms: list[TermSpec],
        *,
        geometry: Mesh | Points | None,
        target: Target | None,
        frame: Frame,
        device: Device,
        surface: Surface,
        notes: tuple[str | AnotherAdvised, ...] = (),
    ) -> None:
        self.parameters = parameters
        self.notes = notes
        self.geometry = geometry
        self.target = target
        self.frame = frame
        self._device = device
        self._terms = TermSet(terms, TermContext(frame, target, device))
        self._strokes: list[edit_kinds.PaintFreeze] = []
        self.surface = surface
        self._generator = torch.Generator(device=device.torch)
        self._iteration = 0
        self._progress = 0.0
        self._active: list[str] = []
        self._pending_resolution: int | None = None
        self._evaluated: ExtractedSurface | None = None
        self._removed = 0
        self._sides = None if target is None else HeldSides(target)

    @property
    def device(self) -> Device:
        return self._device

    @property
    def iterations(self) -> int:
        """As many as the study makes when nothing else is said."""
        return self.parameters.iterations

    # -- descending -----------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        return self.surface.tensors()

    def learning_rate_factors(self) -> dict[str, float]:
        return self.surface.learning_rate_factors(noisy=self.target is not None and self.target.is_scan)

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        self._iteration = iteration
        self._progress = iteration / max(iterations, 1)
        self._terms.require_masks(self._progress)
        remaps: list[Remap] = []
        if self.surface.kind != self.parameters.surface:
            remaps += self._convert()
        if self._pending_resolution is not None:
            remaps += self.surface.resample(self._pending_resolution)
            self._pending_resolution, self._evaluated = None, None
        self._active = self._terms.prepare(self.surface, self._progress)
        remaps += self.surface.prepare()
        looks = self.parameters.remove_specks or self.parameters.parts
        if looks and iteration and iteration % SPECK_INTERVAL == 0 and self._remove_specks():
            remaps += self.surface.prepare()
        self._hold_sides()
        return remaps

    def _convert(self) -> list[Remap]:
        """Go on with another kind of surface where this one is; its moments start afresh."""
        self.surface = convert(self.surface, self.parameters.surface, self.parameters.model_dump(), self._device)
        if self.surface.freezable and self._strokes:
            self.surface.set_frozen([self._stroke(stroke) for stroke in self._strokes])
        self._terms.surface_changed()
        self._evaluated = None
        return [Remap(name, None, leaf, torch.zeros_like) for name, leaf in self.surface.tensors().items()]

    def evaluate(self) -> dict[str, Tensor]:
        needs_surface = any(self._terms[name].needs_surface for name in self._active)
        surface = self.surface.extract() if needs_surface else _NOTHING
        if needs_surface:
            if not len(surface.triangles):
                raise GeometryError(
                    "The surface has vanished.", remedy="Go back to a Checkpoint, or take a smaller step size."
                )
            if not bool(torch.isfinite(surface.vertices.detach()).all()):
                raise NonFiniteError("the surface", self._iteration)
            if surface.vertices.requires_grad:
                surface.vertices.retain_grad()
        self._evaluated = surface if needs_surface else None
        # The same samples for every evaluation of an iteration, whichever came before.
        self._generator.manual_seed(self.parameters.seed * 1_000_003 + self._iteration)
        evaluation = Evaluation(
            surface,
            target=self.target,
            draw=self.target.draw(self._iteration) if self.target is not None else None,
            sample_count=self.parameters.samples,
            generator=self._generator,
            device=self._device,
            progress=self._progress,
        )
        return {name: self._terms[name].evaluate(evaluation, self.surface) for name in self._active}

    def weights(self) -> dict[str, float]:
        return {name: self._terms.weight(name, self._progress) for name in self._active}

    def elsewhere(self, count: int) -> None:
        """A surface has far too many numbers for generations of designs."""

    def mask_gradients(self) -> None:
        self.surface.mask_gradients()

    def after_step(self) -> None:
        if self._sides is not None:
            self._sides.put_back(self.surface.tensors(), self.surface.cell_size)
        self.surface.after_step()

    def _hold_sides(self) -> None:
        """Say which nodes stay on their side in the next step.

        Those that are on the target's side stay there all the time; in the last part of a Run all stay where they are,
        so that no speck comes up between the last look for specks and the end. While a handle or a volume shapes the
        surface too, every node is free.
        """
        if self._sides is None:
            return
        free = not self.parameters.hold_sides or any(self._terms[name].leaves_target for name in self._active)
        if free or not isinstance(self.surface, GridField):
            self._sides.forget()
            return
        painted = any(isinstance(self._terms[name], Painted) for name in self._active)
        self._sides.hold(self.surface, self.surface.tensors(), all_nodes=self._progress >= SETTLED, border=not painted)

    # -- steering -------------------------------------------------------------------------------------------------

    def terms(self) -> list[TermSpec]:
        return self._terms.specs()

    def apply(self, edit: Edit) -> Edit | None:
        match edit:
            case edit_kinds.SetParameter(owner="study"):
                return self._set_parameter(edit)
            case edit_kinds.PaintFreeze():
                inverse = edit_kinds.SetFrozen(strokes=self._strokes)
                self.surface.freeze(self._stroke(edit))
                self._strokes = [*self._strokes, edit]
                return inverse
            case edit_kinds.SetFrozen():
                inverse = edit_kinds.SetFrozen(strokes=self._strokes)
                self.surface.set_frozen([self._stroke(stroke) for stroke in edit.strokes])
                self._strokes = list(edit.strokes)
                return inverse
        return self._terms.apply(edit)

    def _stroke(self, painted: edit_kinds.PaintFreeze) -> Stroke:
        centres = self.frame.to_working(np.asarray(painted.centres, np.float64).reshape(-1, 3))
        return Stroke(centres, self.frame.length_to_working(painted.radius), painted.frozen)

    def _set_parameter(self, edit: edit_kinds.SetParameter) -> Edit:
        old = self.parameters
        new = with_edit(old, edit)
        if edit.name in ("resolution", "surface"):
            require_resolution(new, self._device)
        if edit.name == "resolution":
            self._pending_resolution = new.resolution
        if edit.name == "surface":
            self._require_thawed(new.surface)
        self.parameters = new
        return edit.model_copy(update={"value": getattr(old, edit.name)})

    def _require_thawed(self, surface: str) -> None:
        if self._strokes and not surface_kind(surface).freezable:
            raise ParameterError(
                "study.surface", "this kind of surface cannot keep what is frozen.", remedy="Thaw it first."
            )

    # -- going back -----------------------------------------------------------------------------------------------

    def state(self) -> State:
        return {
            "surface": self.surface.state(),
            "parameters": self.parameters.model_dump(),
            **self._terms.state(),
            "strokes": [stroke.model_dump(mode="json") for stroke in self._strokes],
            "pending_resolution": self._pending_resolution or 0,
            "removed": self._removed,
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.parameters = type(self.parameters).parse(values["parameters"], owner="checkpoint")
        self.surface = restored(values["surface"], self._device, self.surface)
        self._terms.restore(values)
        self._strokes = [edit_kinds.PaintFreeze.model_validate(stroke) for stroke in values["strokes"]]
        self._pending_resolution = int(values["pending_resolution"]) or None
        self._removed = int(values["removed"])
        self._evaluated = None
        if self._sides is not None:
            self._sides.forget()

    # -- looking --------------------------------------------------------------------------------------------------

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        vertices, triangles = self._seen_mesh()
        arrays = {
            "vertices": np.ascontiguousarray(vertices / self.frame.scale, np.float32),
            "triangles": triangles,
            "sensitivity": self._sensitivity(len(vertices)),
            **self._terms.values_on(vertices, triangles),
        }
        info: dict[str, Any] = {
            "vertex_count": len(vertices),
            "triangle_count": len(triangles),
            "device": self._device.describe(),
            "resolution": self.surface.resolution,
            "specks_removed": self._removed,
        }
        return self.frame.origin, arrays, info

    def topology(self) -> tuple[int, int]:
        return euler_and_parts(self._seen_mesh()[1])

    def result_mesh(self) -> Mesh:
        vertices, triangles = self.surface.present_output()
        mesh = Mesh(self.frame.to_world(vertices), triangles, name="surface")
        given = self.geometry
        if given is None:
            return mesh
        return replace(mesh, name=f"{given.name} reconstructed", unit=given.unit, shift=given.shift)

    def result_tetrahedra(self) -> TetMesh:
        """The inside of the surface in tetrahedra [mm, world]; raises `GeometryError` where it has none, or where the
        surface lies so close to a node of the grid that a tetrahedron is flat."""
        vertices, tets = self.surface.tetrahedral_output()
        given = self.geometry
        unit, shift = ("mm", NO_SHIFT) if given is None else (given.unit, given.shift)
        return TetMesh(self.frame.to_world(vertices), tets, "surface" if given is None else given.name, unit, shift)

    def quality_sheet(self) -> dict[str, Any]:
        from engine.geometry.sheet import quality_sheet

        return quality_sheet(self.result_mesh(), self.geometry, device=self._device).to_dict()

    def thumbnail(self, size: int = 96) -> np.ndarray:
        from engine.rendering.picture import thumbnail

        return thumbnail(*self._seen_mesh(), size)

    def _seen_mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """The surface of the last evaluation, as it would be exported, working frame."""
        return self.surface.output()

    def _sensitivity(self, vertex_count: int) -> np.ndarray:
        seen = self._evaluated
        if seen is None or seen.vertices.grad is None:
            return np.zeros(vertex_count, np.float32)
        values = shape_sensitivity(seen.vertices.detach(), seen.vertices.grad, seen.triangles, seen.dual_vertex_count)
        # Per working length to per millimetre.
        return (values * self.frame.scale).to(torch.float32).cpu().numpy()

    # -- specks ---------------------------------------------------------------------------------------------------

    def _remove_specks(self) -> bool:
        """Flip the field's sign at the nodes that make parts which the target does not claim, or which are more than
        are wanted; True where it did.

        Looks at the design as it is, and not as it was evaluated last: a Run that was interrupted, or looked at, since
        then must do the same.
        """
        wanted = self.parameters.parts
        if not isinstance(self.surface, GridField) or (self.target is None and not wanted):
            return False
        with torch.no_grad():
            seen = self.surface.extract()
        triangles = seen.triangles.cpu().numpy()
        vertices = seen.vertices.detach()
        expected = wanted or (self.target.parts if self.target else 1)
        # A cavity is a piece of the surface, but no part: wanted parts do not say how many pieces there may be.
        if euler_and_parts(triangles)[1] <= (1 if wanted else expected):
            return False
        nearest = None
        if self.target is not None:
            evaluation = Evaluation(
                seen, target=self.target, draw=self.target.draw(0), sample_count=0, generator=self._generator,
                device=self._device,
            )  # fmt: skip
            nearest = evaluation.face_of_target.cpu().numpy()
        if wanted or nearest is None:
            labels, unclaimed = surplus_parts(vertices.cpu().numpy(), triangles, expected, nearest)
        else:
            labels, unclaimed = unclaimed_parts(triangles, nearest, expected)
        if not len(unclaimed):
            return False
        bordered = np.unique(labels[np.isin(triangles, seen.boundary.cpu().numpy()).any(axis=1)])
        hidden = self._hide(vertices.cpu().numpy(), triangles[np.isin(labels, np.intersect1d(unclaimed, bordered))])
        unclaimed = np.setdiff1d(unclaimed, bordered)
        if not len(unclaimed):
            return hidden
        index, outside = enclosed_nodes(
            vertices.cpu().numpy(), triangles[np.isin(labels, unclaimed)], self.surface, self._device
        )
        if not len(index):
            return hidden
        cell = self.surface.cell_size
        values = torch.where(outside, cell, -cell).to(self.surface.dtype)
        self._removed += len(unclaimed)
        log.info("Iteration %d: %d specks removed at %d nodes.", self._iteration, len(unclaimed), len(index))
        self.surface.set_field(index, values)
        return True

    def _hide(self, vertices: np.ndarray, triangles: np.ndarray) -> bool:
        """Open the surface where parts with a border are; True where it did."""
        if not len(triangles) or not isinstance(self.surface, OpenField):
            return False
        msdf = self.surface.msdf_at_nodes()
        index = supporting_nodes(vertices[np.unique(triangles)], msdf)
        noisy = self.target is not None and self.target.is_scan
        sides = self.target.open_sides(self.surface.resolution) if self.target is not None and noisy else None
        if sides is not None:  # the nodes of a scan are not held exactly: what should show next to a speck would open
            index = index[sides.reshape(-1)[index] <= 0.0]
        if not len(index):
            return False
        self.surface.set_msdf(index, torch.full((len(index),), -HIDDEN * self.surface.cell_size, dtype=msdf.dtype))
        self._removed += 1
        log.info("Iteration %d: open specks hidden at %d nodes.", self._iteration, len(index))
        return True


_NOTHING = ExtractedSurface(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int32), 0.0, 0)


def start_surface(
    parameters: ReconstructParameters,
    target: Target,
    device: Device,
    *,
    frame: Frame,
    begin: Mesh | Points | None = None,
) -> Surface:
    """The surface to begin with, of `engine.studies.starting.start_field`."""
    field = start_field(parameters, target, frame=frame, device=device, begin=begin)
    kind, options = surface_kind(parameters.surface), parameters.model_dump()
    msdf = target.msdf_field(parameters.resolution)
    if msdf is None or not kind.can_open:
        return kind.started(field, options=options, device=device)
    return kind.started_open(field, msdf, options=options, device=device)


def require_resolution(parameters: ReconstructParameters | CompleteParameters, device: Device) -> None:
    """Refuse a grid that does not fit into memory, and say which would."""
    kind = surface_kind(parameters.surface)
    needed = kind.estimate_memory(parameters.resolution, start=parameters.start)
    try:
        require_memory(needed, device, what=f"A grid of {parameters.resolution} cells a side", remedy="")
    except MemoryLimitError as error:
        fitting = [
            n for n in range(8, parameters.resolution, 8)
            if kind.estimate_memory(n, start=parameters.start) <= 0.8 * device.free_memory()
        ]  # fmt: skip
        remedy = f"Take a resolution of {fitting[-1]} or less." if fitting else "Close other programs."
        raise MemoryLimitError(error.message, remedy=remedy) from None


def choose(parameters: ReconstructParameters) -> Device:
    """The device that the study asks for, with room for its grid."""
    device = choose_device(parameters.device)
    require_resolution(parameters, device)
    return device
