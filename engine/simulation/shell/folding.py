"""What every model of bending shares: parameters, rest angles, and creases that yield."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.simulation.energy import StartsAnywhere, Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.shell.crease import CreaseState, crease_update, crease_update_adjoint
from engine.simulation.shell.rest import edge_angles, refuse_degenerate
from engine.simulation.shell.topology import ShellTopology

LIMITS: Mapping[str, Limits] = {
    "young": Limits(0.0, above=True),
    "young_cross": Limits(0.0, above=True),
    "shear": Limits(0.0, above=True),
    "poisson": Limits(-0.99, 0.5),
    "thickness": Limits(0.0, above=True),
    "stiffness": Limits(0.0, above=True),  # without any, nothing would say where rotations are
    "rest_positions": FREE,
    "rest_angles": FREE,
    "rest_curvature": FREE,
    "yield_angle": Limits(0.0, infinite=True),
    "hardening": Limits(0.0),
}


class FoldEnergy(Parametrised, StartsAnywhere):
    """Base of bending energies. Angles between faces are positive where their normals point apart, 0 at the boundary.

    parameters : "young", "poisson", "thickness", "stiffness", "rest_positions", "rest_angles"; of a woven sheet
        what its model of bending knows of the weave; of creases "yield_angle" and "hardening"
    state : of creases "plastic_angles" and "accumulated_angles" [rad], shape (edge_count,), both differentiable
    """

    owner = "bending"

    def __init__(
        self,
        unknowns: Unknowns,
        topology: ShellTopology,
        given: Mapping[str, Tensor | float | None],
        *,
        flat: bool,
        device: torch.device,
    ) -> None:
        none = torch.zeros(topology.edge_count, dtype=torch.float64, device=device)
        known = {name: value for name, value in given.items() if value is not None}
        self.creased = "yield_angle" in known
        if not self.creased:
            known.pop("hardening", None)
        super().__init__({"rest_angles": none} | known, LIMITS, device)
        self.unknowns = unknowns
        self.topology = topology
        self.flat = flat
        self._triangles = self._table(topology.triangles)
        self._edges, self._opposite = self._table(topology.edges), self._table(topology.opposite)
        self._crease = CreaseState(none, none.clone())

    @abstractmethod
    def edge_angles(self, q: Tensor) -> Tensor:
        """Angle between the faces of each edge [rad], shape (edge_count,)."""

    def value(self, q: Tensor) -> Tensor:
        return self._energies(q).sum()

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        angles, change = self._measure(q), self._measure_change(q, z)
        leaves = dict(self._parameters)
        if self.creased:
            leaves["plastic_angles"] = self._crease.plastic
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in leaves.items()}
            stiffness, rest = self._elements(leaves)
            derivative = (change * self._moments(stiffness, angles - rest)).sum()
            gradients = torch.autograd.grad(derivative, list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True))

    def state(self) -> dict[str, Tensor]:
        if not self.creased:
            return {}
        return {
            "plastic_angles": self._crease.plastic.clone(),
            "accumulated_angles": self._crease.accumulated.clone(),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if self.creased:
            self._crease = CreaseState(state["plastic_angles"].clone(), state["accumulated_angles"].clone())
            self._refresh()

    def follow(self, q: Tensor, guess: Tensor) -> Tensor:
        return guess

    def advance(self, q: Tensor) -> Tensor:
        if self.creased:
            folded = self.edge_angles(q) - self._rest_angles(self._parameters)
            self._crease = crease_update(folded, self._crease, *self._crease_law())
            self._refresh()
        return q

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
        folded = self.edge_angles(q) - rest.detach()
        back = crease_update_adjoint(folded, self._crease, *self._crease_law(), wanted)
        self._pull_edges(q, back.angle, result)
        gradients = torch.autograd.grad(rest, list(leaves.values()), -back.angle, materialize_grads=True)
        others = dict(zip(leaves, gradients, strict=True))
        others |= {"plastic_angles": back.plastic, "accumulated_angles": back.accumulated}
        for name, value in (("yield_angle", back.yield_angle), ("hardening", back.hardening)):
            others[name] = value if self._parameters[name].ndim else value.sum()
        return result, others

    @abstractmethod
    def _energies(self, q: Tensor) -> Tensor:
        """Energy of each element [J]."""

    @abstractmethod
    def _measure(self, q: Tensor) -> Tensor:
        """The angles of each element that its energy is a quadratic form of."""

    @abstractmethod
    def _measure_change(self, q: Tensor, motion: Tensor) -> Tensor:
        """Their derivative along a motion of the unknowns."""

    @abstractmethod
    def _moments(self, stiffness: Tensor, bent: Tensor) -> Tensor:
        """Derivative of the energy in those angles, from how far they are from rest."""

    @abstractmethod
    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Stiffness and rest angles of the elements, differentiable in the parameters (and plastic angles)."""

    @abstractmethod
    def _pull_edges(self, q: Tensor, weights: Tensor, result: Tensor) -> None:
        """Add the derivative of Σ weights · edge angle."""

    def _refresh(self) -> None:
        refuse_degenerate(self._parameters["rest_positions"], self._triangles)
        with torch.no_grad():
            leaves = dict(self._parameters) | {"plastic_angles": self._crease.plastic}
            stiffness, rest = self._elements(leaves)
        self._stiffness, self._rest = stiffness.contiguous(), rest.contiguous()

    def _rest_angles(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Rest angle of each edge, without what has yielded."""
        if self.flat:
            return parameters["rest_angles"]
        return parameters["rest_angles"] + edge_angles(parameters["rest_positions"], self._edges, self._opposite)

    def _fold_angles(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Rest angle of each edge, with what has yielded."""
        angles = self._rest_angles(parameters)
        return angles + parameters["plastic_angles"] if self.creased else angles

    def _crease_law(self) -> tuple[Tensor, Tensor]:
        return self._parameters["yield_angle"], self._parameters["hardening"]

    def _table(self, values: object, dtype: torch.dtype = torch.int64) -> Tensor:
        return torch.as_tensor(values, dtype=dtype, device=self._device).contiguous()
