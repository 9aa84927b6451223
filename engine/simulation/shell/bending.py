"""Bending of a sheet, independent of its mesh: the normal of every edge is an unknown, by one rotation about the edge.

The angles κ between the edges' normals and a face's normal make the face's curvature as in Morley's plate element
(E. Grinspun, Y. Gingold, J. Reisman, D. Zorin: Computing discrete shape operators on general meshes, Eurographics
2006), measured over the rest shape: E = κᵀ K κ / 2, with the plate's stiffness E h³ / 12 (1 − ν²). The rotations have
no inertia; the energy is quadratic in them, and leaving them free gives free edges their natural condition.

A rotation counts from a *frame* of its edge (a direction and a director across it) that is carried along with the edge
without twist, as in discrete elastic rods (M. Bergou et al., SIGGRAPH 2008). So a face's energy depends on its three
vertices and three rotations alone, and an angle has no jump where a fold closes. Frames are state, moved by `advance`:
between two of its calls an edge may turn by anything less than half a turn.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.blocks import pairs, vertex_blocks
from engine.simulation.energy import Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.shell import bending_kernels as kernels
from engine.simulation.shell.crease import CreaseState, crease_update, crease_update_adjoint
from engine.simulation.shell.rest import bending_matrices, curvature_angles, edge_angles
from engine.simulation.shell.topology import ShellTopology
from engine.simulation.triplets import Triplets

LIMITS: Mapping[str, Limits] = {
    "young": Limits(0.0, above=True),
    "poisson": Limits(-0.99, 0.5),
    "thickness": Limits(0.0, above=True),
    "stiffness": Limits(0.0),
    "rest_positions": FREE,
    "rest_angles": FREE,
    "rest_curvature": FREE,
    "yield_angle": Limits(0.0, infinite=True),
    "hardening": Limits(0.0),
}


class Bending(Parametrised):
    """Bending energy of sheets with one rotation an edge [J].

    unknowns : layout of q
    topology : of the sheets; the rotation of edge e is entry `first_rotation` + e of q's rotations
    rest_positions : rest shape, for its lengths and (unless `flat`) its angles [m], shape (vertex_count, 3)
    young, poisson, thickness : Young's modulus [Pa], Poisson's ratio, thickness [m]: a number, or one a face
    stiffness : factor on the stiffness E h³ / 12 (1 − ν²): a number, or one a face. A very large one (`HELD`) on the
        faces whose vertices are all held clamps the sheet beside them
    flat : the sheet is free of stress when it is flat, whatever the angles of the rest shape
    rest_angles : further rest angles [rad], shape (edge_count,), positive where the normals point apart
    rest_curvature : further rest curvature (κ11, κ22, κ12) [1/m] of each face in the frame along `direction`, shape
        (face_count, 3), positive where the normals point apart
    yield_angle, hardening : makes creases: see `engine.simulation.shell.crease`; a number, or one an edge
    positions : where the vertices are at first [m], shape (vertex_count, 3); the rest shape where nothing is said.
        Rotations of zero stand there for the normals' mean

    parameters : all of the above that are numbers, by these names
    state : "plastic_angles" and "accumulated_angles" [rad] of creases (differentiable), "references" and "directors" of
        the frames
    """

    owner = "bending"

    def __init__(
        self,
        unknowns: Unknowns,
        topology: ShellTopology,
        rest_positions: Tensor,
        *,
        young: Tensor | float,
        poisson: Tensor | float,
        thickness: Tensor | float,
        stiffness: Tensor | float = 1.0,
        flat: bool = False,
        rest_angles: Tensor | None = None,
        rest_curvature: Tensor | None = None,
        direction: Tensor | None = None,
        yield_angle: Tensor | float | None = None,
        hardening: Tensor | float = 0.0,
        positions: Tensor | None = None,
        first_rotation: int = 0,
    ) -> None:
        device = rest_positions.device
        none = torch.zeros(topology.edge_count, dtype=torch.float64, device=device)
        given: dict[str, Tensor | float] = {
            "young": young,
            "poisson": poisson,
            "thickness": thickness,
            "stiffness": stiffness,
            "rest_positions": rest_positions,
            "rest_angles": none if rest_angles is None else rest_angles,
        }
        if rest_curvature is not None:
            given["rest_curvature"] = rest_curvature
        if yield_angle is not None:
            given |= {"yield_angle": yield_angle, "hardening": hardening}
        super().__init__(given, LIMITS, device)
        self.unknowns = unknowns
        self.topology = topology
        self.flat = flat
        self.direction = direction
        self.creased = yield_angle is not None

        def table(values: object, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.as_tensor(values, dtype=dtype, device=device).contiguous()

        self._triangles, self._edges = table(topology.triangles), table(topology.edges)
        self._face_edges, self._opposite = table(topology.face_edges), table(topology.opposite)
        self._along, self._side = table(topology.along, torch.float64), table(topology.side, torch.float64)
        self._inner = ~table(topology.boundary, torch.bool)
        # What a fold's rest angle is in the two bending angles beside it: half each, none at the boundary.
        self._share = 0.5 * self._along * self._side * self._inner[self._face_edges]
        self._first_rotation = first_rotation
        self._make_pattern()
        self._crease = CreaseState(none, none.clone())
        self.start(rest_positions if positions is None else positions)
        self._refresh()

    def start(self, positions: Tensor) -> None:
        """Count rotations from the mean of the normals at `positions`, shape (vertex_count, 3)."""
        start, end = positions[self._edges[:, 0]], positions[self._edges[:, 1]]
        self._references = torch.nn.functional.normalize(end - start, dim=1)
        normal = torch.linalg.cross(self._references, positions[self._opposite[:, 0]] - start)
        angle = edge_angles(positions, self._edges, self._opposite)
        self._directors = _turned(torch.nn.functional.normalize(normal, dim=1), self._references, 0.5 * angle)

    def value(self, q: Tensor) -> Tensor:
        return self.face_energies(q).sum()

    def face_energies(self, q: Tensor) -> Tensor:
        """Energy of each triangle [J], shape (face_count,)."""
        bent = self._bending_angles(q) - self._rest
        return 0.5 * (bent * self._moments(bent)).sum(dim=1)

    def gradient(self, q: Tensor) -> Tensor:
        moments = self._along * self._moments(self._bending_angles(q) - self._rest)
        result = torch.zeros_like(q)
        self._pull(q, -moments, result)
        self._rotations(result).index_add_(0, self._face_edges.reshape(-1), moments.reshape(-1))
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        moments = self._moments(self._bending_angles(q) - self._rest)
        vertex, mixed, edge = self._vertex_pattern, self._mixed_pattern, self._edge_pattern
        values = q.new_zeros(9 * vertex.count + 6 * mixed.count + edge.count)
        vertex_blocks, upper, lower, edges = values.split(
            [9 * vertex.count, 3 * mixed.count, 3 * mixed.count, edge.count]
        )
        launch(
            kernels.hessians,
            len(self._triangles),
            [
                *self._geometry(q),
                self._references,
                self._matrices,
                moments,
                int(project),
                vertex.slots,
                mixed.slots,
                edge.slots,
                vertex_blocks.view(-1, 3, 3),
                upper.view(-1, 3),
                edges,
            ],
            device=q.device,
        )
        lower.copy_(upper)
        return Triplets(self._rows, self._cols, values, self.unknowns.size)

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        change = self._along * (self._rotations(z)[self._face_edges] - self._push(q, z))
        angles = self._bending_angles(q)
        leaves = dict(self._parameters)
        if self.creased:
            leaves["plastic_angles"] = self._crease.plastic
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in leaves.items()}
            matrices, rest = self._elements(leaves)
            derivative = (change * _times(matrices, angles - rest)).sum()
            gradients = torch.autograd.grad(derivative, list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True))

    def edge_angles(self, q: Tensor) -> Tensor:
        """Angle between the faces of each edge [rad], 0 at the boundary, positive where the normals point apart.

        It is followed through folds that close, and need not be within (−π, π].
        """
        return self._inner * self._gather(-self._side * self._angles(q))

    def state(self) -> dict[str, Tensor]:
        state = {"references": self._references.clone(), "directors": self._directors.clone()}
        if self.creased:
            state["plastic_angles"] = self._crease.plastic.clone()
            state["accumulated_angles"] = self._crease.accumulated.clone()
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._references, self._directors = state["references"].clone(), state["directors"].clone()
        if self.creased:
            self._crease = CreaseState(state["plastic_angles"].clone(), state["accumulated_angles"].clone())
            self._refresh()

    def advance(self, q: Tensor) -> Tensor:
        angles = self._angles(q)
        if self.creased:
            folded = self._inner * self._gather(-self._side * angles) - self._rest_angles(self._parameters)
            self._crease = crease_update(folded, self._crease, *self._crease_law())
            self._refresh()
        return self._move_frames(q, angles)

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        result = torch.zeros_like(q)
        if not self.creased:
            return result, {}
        with torch.enable_grad():
            leaves = {
                name: self._parameters[name].clone().requires_grad_() for name in ("rest_positions", "rest_angles")
            }
            rest = self._rest_angles(leaves)
        none = torch.zeros_like(self._crease.plastic)
        wanted = CreaseState(adjoint.get("plastic_angles", none), adjoint.get("accumulated_angles", none))
        back = crease_update_adjoint(self.edge_angles(q) - rest.detach(), self._crease, *self._crease_law(), wanted)
        self._pull(q, -self._side * (self._inner * back.angle)[self._face_edges], result)
        gradients = torch.autograd.grad(rest, list(leaves.values()), -back.angle, materialize_grads=True)
        others = dict(zip(leaves, gradients, strict=True))
        others |= {"plastic_angles": back.plastic, "accumulated_angles": back.accumulated}
        for name, value in (("yield_angle", back.yield_angle), ("hardening", back.hardening)):
            others[name] = value if self._parameters[name].ndim else value.sum()
        return result, others

    def _crease_law(self) -> tuple[Tensor, Tensor]:
        return self._parameters["yield_angle"], self._parameters["hardening"]

    def _move_frames(self, q: Tensor, angles: Tensor) -> Tensor:
        """Frames at the mean of the normals of q, and q with its rotations counted from there."""
        positions = self.unknowns.positions(q)
        counts = 1.0 + self._inner.to(torch.float64)
        mean = self._gather(angles) / counts
        edge = positions[self._edges[:, 1]] - positions[self._edges[:, 0]]
        direction = torch.nn.functional.normalize(edge, dim=1)
        across = (self._directors * direction).sum(dim=1) / (1.0 + (self._references * direction).sum(dim=1))
        carried = self._directors - across[:, None] * (self._references + direction)
        self._references = direction
        self._directors = _turned(torch.nn.functional.normalize(carried, dim=1), direction, mean)
        moved = q.clone()
        self._rotations(moved).sub_(mean)
        return moved

    def _rotations(self, q: Tensor) -> Tensor:
        return self.unknowns.rotations(q)[self._first_rotation : self._first_rotation + self.topology.edge_count]

    def _gather(self, values: Tensor) -> Tensor:
        """Sum over the sides of each edge."""
        none = values.new_zeros(self.topology.edge_count)
        return none.index_add_(0, self._face_edges.reshape(-1), values.reshape(-1))

    def _geometry(self, q: Tensor) -> list[object]:
        return [self.unknowns.positions(q), self._triangles, self._face_edges, self._along]

    def _angles(self, q: Tensor) -> Tensor:
        result = torch.empty_like(self._along)
        arguments = [*self._geometry(q), self._side, self._references, self._directors, result]
        launch(kernels.angles, result.shape, arguments, device=q.device)
        return result

    def _push(self, q: Tensor, motion: Tensor) -> Tensor:
        result = torch.empty_like(self._along)
        arguments = [*self._geometry(q), self._references, self.unknowns.positions(motion), result]
        launch(kernels.push_angles, result.shape, arguments, device=q.device)
        return result

    def _pull(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        arguments = [*self._geometry(q), self._references, weights, self.unknowns.positions(result)]
        launch(kernels.pull_angles, weights.shape, arguments, device=q.device)

    def _bending_angles(self, q: Tensor) -> Tensor:
        return self._along * (self._rotations(q)[self._face_edges] - self._angles(q))

    def _moments(self, bent: Tensor) -> Tensor:
        return _times(self._matrices, bent)

    def _refresh(self) -> None:
        with torch.no_grad():
            leaves = dict(self._parameters) | {"plastic_angles": self._crease.plastic}
            matrices, rest = self._elements(leaves)
        self._matrices, self._rest = matrices.contiguous(), rest.contiguous()

    def _rest_angles(self, parameters: Mapping[str, Tensor]) -> Tensor:
        if self.flat:
            return parameters["rest_angles"]
        return parameters["rest_angles"] + edge_angles(parameters["rest_positions"], self._edges, self._opposite)

    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Matrices and rest bending angles of the faces, differentiable in the parameters."""
        positions, poisson = parameters["rest_positions"], parameters["poisson"]
        rigidity = bending_rigidity(parameters["young"], poisson, parameters["thickness"]) * parameters["stiffness"]
        matrices = bending_matrices(positions, self._triangles, rigidity, poisson)
        angles = self._rest_angles(parameters)
        if self.creased:
            angles = angles + parameters["plastic_angles"]
        rest = self._share * angles[self._face_edges]
        if "rest_curvature" in parameters:
            rest = rest + curvature_angles(positions, self._triangles, parameters["rest_curvature"], self.direction)
        return matrices, rest

    def _make_pattern(self) -> None:
        rotations = 3 * self.unknowns.vertex_count + self._first_rotation
        self._vertex_pattern = vertex_blocks(self._triangles)
        self._mixed_pattern = pairs(self._triangles, self._face_edges)
        self._edge_pattern = pairs(self._face_edges, self._face_edges)
        axis = torch.arange(3, device=self._triangles.device)
        vertices = (3 * self._mixed_pattern.first[:, None] + axis).reshape(-1)
        edges = rotations + self._mixed_pattern.second.repeat_interleave(3)
        first, second = rotations + self._edge_pattern.first, rotations + self._edge_pattern.second
        self._rows = torch.cat([self._vertex_pattern.rows, vertices, edges, first])
        self._cols = torch.cat([self._vertex_pattern.cols, edges, vertices, second])


HELD = 1e4
"""Factor on the bending stiffness of faces that are held, so that the normal of an edge beside them follows them."""


def bending_rigidity(young: Tensor, poisson: Tensor, thickness: Tensor) -> Tensor:
    """Bending stiffness of a plate E h³ / 12 (1 − ν²) [N m]."""
    return young * thickness**3 / (12.0 * (1.0 - poisson * poisson))


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    return (matrices @ vectors[:, :, None])[:, :, 0]


def _turned(director: Tensor, axis: Tensor, angle: Tensor) -> Tensor:
    """Unit vectors turned about unit axes that are perpendicular to them."""
    return torch.cos(angle)[:, None] * director + torch.sin(angle)[:, None] * torch.linalg.cross(axis, director)
