"""Bending of a sheet, independent of its mesh: the normal of every edge is an unknown, by one rotation about the edge.

The angles κ between the edges' normals and a face's normal make the face's curvature as in Morley's plate element
(E. Grinspun, Y. Gingold, J. Reisman, D. Zorin: Computing discrete shape operators on general meshes, Eurographics
2006), measured over the rest shape: E = κᵀ K κ / 2, with the stiffness of an isotropic or orthotropic plate. The
rotations have no inertia; the energy is quadratic in them, and leaving them free gives free edges their natural
condition.

A rotation counts from a *frame* of its edge (a direction and a director across it) that is carried along with the edge
without twist, as in discrete elastic rods (M. Bergou et al., SIGGRAPH 2008). So a face's energy depends on its three
vertices and three rotations alone, and an angle has no jump where a fold closes. Frames are state, moved by `advance`:
between two of its calls an edge may turn by anything less than half a turn. Faces may turn round their edges as often
as they like, for their whole turns are counted along the way of the solver.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.blocks import pairs, vertex_blocks
from engine.simulation.energy import Unknowns
from engine.simulation.shell import bending_kernels as kernels
from engine.simulation.shell.folding import FoldEnergy
from engine.simulation.shell.moduli import by_face, plane_stress_moduli, weave_parameters
from engine.simulation.shell.rest import bending_matrices, curvature_angles, edge_angles
from engine.simulation.shell.topology import ShellTopology
from engine.simulation.triplets import Triplets


class Bending(FoldEnergy):
    """Bending energy of sheets with one rotation an edge [J].

    unknowns : layout of q
    topology : of the sheets; the rotation of edge e is entry `first_rotation` + e of q's rotations
    rest_positions : rest shape, for its lengths and (unless `flat`) its angles [m], shape (vertex_count, 3)
    young, poisson, thickness : Young's modulus [Pa], Poisson's ratio, thickness [m]: a number, or one a face
    young_cross, shear : both for an orthotropic (woven) sheet, as of `Membrane`; `direction` is then needed
    stiffness : factor on the stiffness of the plate, E h³ / 12 (1 − ν²) of an isotropic one: a number, or one a face. A
        very large one (`HELD`) on the faces whose vertices are all held clamps the sheet beside them
    flat : the sheet is free of stress when it is flat, whatever the angles of the rest shape
    rest_angles : further rest angles [rad], shape (edge_count,), positive where the normals point apart
    rest_curvature : further rest curvature (κ11, κ22, κ12) [1/m] of each face in the frame along `direction`, shape
        (face_count, 3), positive where the normals point apart
    direction : of the weave in the rest shape, shape (3,), or one a face; no stress hangs on it where nothing is woven
    yield_angle, hardening : makes creases: see `engine.simulation.shell.crease`; a number, or one an edge
    positions : where the vertices are at first [m], shape (vertex_count, 3); the rest shape where nothing is said.
        Rotations of zero stand there for the normals' mean

    parameters : all of the above that are numbers, by these names
    state : "plastic_angles" and "accumulated_angles" [rad] of creases (differentiable), "references" and "directors" of
        the frames, and the "angles" of the faces from them where the solver is [rad], shape (face_count, 3)
    """

    def __init__(
        self,
        unknowns: Unknowns,
        topology: ShellTopology,
        rest_positions: Tensor,
        *,
        young: Tensor | float,
        poisson: Tensor | float,
        thickness: Tensor | float,
        young_cross: Tensor | float | None = None,
        shear: Tensor | float | None = None,
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
        given = {
            "young": young,
            "poisson": poisson,
            "thickness": thickness,
            "stiffness": stiffness,
            "rest_positions": rest_positions,
            "rest_angles": rest_angles,
            "rest_curvature": rest_curvature,
            "yield_angle": yield_angle,
            "hardening": hardening,
        }
        given |= weave_parameters(young_cross, shear, direction, "bending")
        super().__init__(unknowns, topology, given, flat=flat, device=rest_positions.device)
        self.direction = direction
        self._face_edges = self._table(topology.face_edges)
        self._along = self._table(topology.along, torch.float64)
        self._side = self._table(topology.side, torch.float64)
        self._inner = ~self._table(topology.boundary, torch.bool)
        # What a fold's rest angle is in the two bending angles beside it: half each, none at the boundary.
        self._share = 0.5 * self._along * self._side * self._inner[self._face_edges]
        self._first_rotation = first_rotation
        self._make_pattern()
        self.start(rest_positions if positions is None else positions)
        self._refresh()

    def start(self, positions: Tensor) -> None:
        """Count rotations from the mean of the normals at `positions`, shape (vertex_count, 3)."""
        start, end = positions[self._edges[:, 0]], positions[self._edges[:, 1]]
        self._references = torch.nn.functional.normalize(end - start, dim=1)
        normal = torch.linalg.cross(self._references, positions[self._opposite[:, 0]] - start)
        angle = edge_angles(positions, self._edges, self._opposite)
        self._directors = _turned(torch.nn.functional.normalize(normal, dim=1), self._references, 0.5 * angle)
        self._near = torch.zeros_like(self._along)
        self._known: tuple[Tensor, int, Tensor] | None = None

    def face_energies(self, q: Tensor) -> Tensor:
        """Energy of each triangle [J], shape (face_count,)."""
        bent = self._measure(q) - self._rest
        return 0.5 * (bent * self._moments(self._stiffness, bent)).sum(dim=1)

    def gradient(self, q: Tensor) -> Tensor:
        moments = self._along * self._moments(self._stiffness, self._measure(q) - self._rest)
        result = torch.zeros_like(q)
        self._pull(q, -moments, result)
        self._rotations(result).index_add_(0, self._face_edges.reshape(-1), moments.reshape(-1))
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        moments = self._moments(self._stiffness, self._measure(q) - self._rest)
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
                self._stiffness,
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

    def edge_angles(self, q: Tensor) -> Tensor:
        """Angle between the faces of each edge [rad], 0 at the boundary, positive where the normals point apart.

        It is followed through folds that close, and need not be within (−π, π].
        """
        return self._inner * self._gather(-self._side * self._angles(q))

    def state(self) -> dict[str, Tensor]:
        frames = {"references": self._references, "directors": self._directors, "angles": self._near}
        return super().state() | {name: value.clone() for name, value in frames.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._references, self._directors = state["references"].clone(), state["directors"].clone()
        self._near, self._known = state["angles"].clone(), None
        super().restore(state)

    def track(self, q: Tensor) -> None:
        self._near = self._angles(q)

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        followed = guess.clone()
        self._rotations(followed).copy_(self._rotations(q) + self._mean_angles(guess) - self._mean_angles(q))
        return followed

    def advance(self, q: Tensor) -> Tensor:
        return self.recentre(super().advance(q))

    def recentre(self, q: Tensor) -> Tensor:
        """Move the frames to the mean of the normals of q; returns q with its rotations counted from there.

        Energy and forces stay, and so do creases: long ways to an equilibrium may call it between iterations, lest an
        edge turn by half a turn.
        """
        positions = self.unknowns.positions(q)
        angles = self._angles(q)
        mean = self._mean_of(angles)
        edge = positions[self._edges[:, 1]] - positions[self._edges[:, 0]]
        direction = torch.nn.functional.normalize(edge, dim=1)
        across = (self._directors * direction).sum(dim=1) / (1.0 + (self._references * direction).sum(dim=1))
        carried = self._directors - across[:, None] * (self._references + direction)
        self._references = direction
        self._directors = _turned(torch.nn.functional.normalize(carried, dim=1), direction, mean)
        self._near, self._known = angles - mean[self._face_edges], None
        moved = q.clone()
        self._rotations(moved).sub_(mean)
        return moved

    def _rotations(self, q: Tensor) -> Tensor:
        return self.unknowns.rotations(q)[self._first_rotation : self._first_rotation + self.topology.edge_count]

    def _gather(self, values: Tensor) -> Tensor:
        """Sum over the sides of each edge."""
        none = values.new_zeros(self.topology.edge_count)
        return none.index_add_(0, self._face_edges.reshape(-1), values.reshape(-1))

    def _mean_angles(self, q: Tensor) -> Tensor:
        """Mean of the angles of the faces of each edge."""
        return self._mean_of(self._angles(q))

    def _mean_of(self, angles: Tensor) -> Tensor:
        return self._gather(angles) / (1.0 + self._inner.to(torch.float64))

    def _geometry(self, q: Tensor) -> list[object]:
        return [self.unknowns.positions(q), self._triangles, self._face_edges, self._along]

    def _angles(self, q: Tensor) -> Tensor:
        # A step asks for value, gradient and Hessian at the same unknowns.
        if self._known is not None and self._known[0] is q and self._known[1] == q._version:
            return self._known[2]
        result = torch.empty_like(self._along)
        arguments = [*self._geometry(q), self._side, self._references, self._directors, self._near, result]
        launch(kernels.angles, result.shape, arguments, device=q.device)
        self._known = q, q._version, result
        return result

    def _push(self, q: Tensor, motion: Tensor) -> Tensor:
        result = torch.empty_like(self._along)
        arguments = [*self._geometry(q), self._references, self.unknowns.positions(motion), result]
        launch(kernels.push_angles, result.shape, arguments, device=q.device)
        return result

    def _pull(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        arguments = [*self._geometry(q), self._references, weights, self.unknowns.positions(result)]
        launch(kernels.pull_angles, weights.shape, arguments, device=q.device)

    def _pull_edges(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        self._pull(q, -self._side * (self._inner * weights)[self._face_edges], result)

    def _energies(self, q: Tensor) -> Tensor:
        return self.face_energies(q)

    def _measure(self, q: Tensor) -> Tensor:
        return self._along * (self._rotations(q)[self._face_edges] - self._angles(q))

    def _measure_change(self, q: Tensor, motion: Tensor) -> Tensor:
        return self._along * (self._rotations(motion)[self._face_edges] - self._push(q, motion))

    def _moments(self, stiffness: Tensor, bent: Tensor) -> Tensor:
        return (stiffness @ bent[:, :, None])[:, :, 0]

    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        positions = parameters["rest_positions"]
        plate = parameters["stiffness"] * parameters["thickness"] ** 3 / 12.0
        rigidity = [plate * modulus for modulus in plane_stress_moduli(parameters, self.owner)]
        matrices = bending_matrices(positions, self._triangles, by_face(rigidity, len(self._triangles)), self.direction)
        rest = self._share * self._fold_angles(parameters)[self._face_edges]
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


def _turned(director: Tensor, axis: Tensor, angle: Tensor) -> Tensor:
    """Unit vectors turned about unit axes that are perpendicular to them."""
    return torch.cos(angle)[:, None] * director + torch.sin(angle)[:, None] * torch.linalg.cross(axis, director)
