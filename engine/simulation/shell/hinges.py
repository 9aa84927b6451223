"""Hinges: bending by the angles between neighbouring faces alone. Faster, and not independent of the mesh.

The stiffness of a hinge (E. Grinspun, A. Hirani, M. Desbrun, P. Schröder: Discrete shells, SCA 2003) is chosen so that
a regular grid that is bent round its edges has a plate's energy. On other meshes, and in other directions, the energy
is up to three times too large however fine the mesh is: a mode for pictures and for hinged structures. `Bending` is the
one for materials.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.blocks import vertex_blocks
from engine.simulation.energy import Unknowns
from engine.simulation.shell import hinge_kernels as kernels
from engine.simulation.shell.folding import FoldEnergy
from engine.simulation.shell.moduli import plane_stress_moduli
from engine.simulation.shell.rest import face_areas
from engine.simulation.shell.topology import ShellTopology
from engine.simulation.triplets import Triplets


class HingeBending(FoldEnergy):
    """Bending energy Σ k (θ − θ₀)² / 2 over the edges with two faces [J], k = D |e|² / (A₁ + A₂); it has no rotations.

    At first angles are the short way round from rest; from then on whole turns are counted, so that a fold that closes
    and winds up has no jump. Arguments, parameters and state as of `Bending`, except rest curvature and frames: of
    those there are only "angles" [rad], shape (hinge_count,), from which turns are counted. Hinges know no direction:
    D = √(E E') h³ / 12 (1 − ν² E'/E), with E' across the weave, "young_cross", where there is one.
    """

    owner = "hinges"

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
        stiffness: Tensor | float = 1.0,
        flat: bool = False,
        rest_angles: Tensor | None = None,
        yield_angle: Tensor | float | None = None,
        hardening: Tensor | float = 0.0,
    ) -> None:
        given = {
            "young": young,
            "young_cross": young_cross,
            "poisson": poisson,
            "thickness": thickness,
            "stiffness": stiffness,
            "rest_positions": rest_positions,
            "rest_angles": rest_angles,
            "yield_angle": yield_angle,
            "hardening": hardening,
        }
        super().__init__(unknowns, topology, given, flat=flat, device=rest_positions.device)
        self._inner = torch.nonzero(~self._table(topology.boundary, torch.bool))[:, 0]
        self._faces = self._table(topology.edge_faces)[self._inner]
        self._hinges = torch.cat([self._edges, self._opposite], dim=1)[self._inner].contiguous()
        self._pattern = vertex_blocks(self._hinges)
        self._refresh()
        self._near = self._rest.clone()

    def gradient(self, q: Tensor) -> Tensor:
        result = torch.zeros_like(q)
        self._pull(q, self._moments(self._stiffness, self._measure(q) - self._rest), result)
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        moments = self._moments(self._stiffness, self._measure(q) - self._rest)
        blocks = q.new_zeros(self._pattern.count, 3, 3)
        launch(
            kernels.hessians,
            len(self._hinges),
            [*self._geometry(q), self._stiffness, moments, int(project), self._pattern.slots, blocks],
            device=q.device,
        )
        return Triplets(self._pattern.rows, self._pattern.cols, blocks.reshape(-1), self.unknowns.size)

    def state(self) -> dict[str, Tensor]:
        return super().state() | {"angles": self._near.clone()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._near = state["angles"].clone()
        super().restore(state)

    def track(self, q: Tensor) -> None:
        self._near = self._measure(q)

    def edge_angles(self, q: Tensor) -> Tensor:
        return q.new_zeros(self.topology.edge_count).index_put((self._inner,), self._measure(q))

    def face_energies(self, q: Tensor) -> Tensor:
        """Energy [J] with half of each hinge's in either of its triangles, shape (face_count,)."""
        shares = (0.5 * self._energies(q))[:, None].expand(-1, 2)
        return q.new_zeros(len(self._triangles)).index_add_(0, self._faces.reshape(-1), shares.reshape(-1))

    def _geometry(self, q: Tensor) -> list[object]:
        return [self.unknowns.positions(q), self._hinges]

    def _energies(self, q: Tensor) -> Tensor:
        bent = self._measure(q) - self._rest
        return 0.5 * self._stiffness * bent * bent

    def _measure(self, q: Tensor) -> Tensor:
        result = q.new_empty(len(self._hinges))
        launch(kernels.angles, len(self._hinges), [*self._geometry(q), self._near, result], device=q.device)
        return result

    def _measure_change(self, q: Tensor, motion: Tensor) -> Tensor:
        result = q.new_empty(len(self._hinges))
        arguments = [*self._geometry(q), self.unknowns.positions(motion), result]
        launch(kernels.push_angles, len(self._hinges), arguments, device=q.device)
        return result

    def _moments(self, stiffness: Tensor, bent: Tensor) -> Tensor:
        return stiffness * bent

    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        positions = parameters["rest_positions"]
        areas = face_areas(positions, self._triangles)[self._faces].sum(dim=1)
        rigidity = _rigidity(parameters).expand(len(self._triangles))[self._faces].mean(dim=1)
        edge = positions[self._hinges[:, 1]] - positions[self._hinges[:, 0]]
        return rigidity * (edge * edge).sum(dim=1) / areas, self._fold_angles(parameters)[self._inner]

    def _pull(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        arguments = [*self._geometry(q), weights.contiguous(), self.unknowns.positions(result)]
        launch(kernels.pull_angles, len(self._hinges), arguments, device=q.device)

    def _pull_edges(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        self._pull(q, weights[self._inner], result)


def _rigidity(parameters: Mapping[str, Tensor]) -> Tensor:
    """D, times the factor "stiffness" [N m]."""
    along, across, _, _ = plane_stress_moduli(parameters, "hinges")
    return parameters["stiffness"] * torch.sqrt(along * across) * parameters["thickness"] ** 3 / 12.0
