"""Unsigned distances: open sheets, their borders, and what is followed of them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.geometry.distance import TriangleIndex
from engine.geometry.topology import measure_topology
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.deepmesh_verification import CPU, Cap, unsigned_border, unsigned_gradient
from engine.surfaces.fitting import fit, samples_of_mesh
from engine.surfaces.network_field import NetworkField
from engine.surfaces.networks import Architecture
from engine.surfaces.unsigned import UnsignedSet


def extracted(cap: Cap, resolution: int = 24) -> UnsignedSet:
    found = UnsignedSet(cap, resolution, dtype=torch.float64, device=CPU)
    found.find()
    return found


@pytest.mark.parametrize(("resolution", "angle"), [(24, 1.9), (31, 1.2), (20, 1.5), (30, 2.4)])
def test_borders_and_gradients_of_other_sheets(resolution: int, angle: float) -> None:
    assert unsigned_border(resolution=resolution, angle=angle).passed
    assert unsigned_gradient(resolution=resolution, angle=angle).passed


def test_a_sphere_without_a_rim_comes_out_closed() -> None:
    mesh = extracted(Cap(0.6, math.pi + 0.1)).extract()
    topology = measure_topology(mesh.triangles.numpy())
    assert topology.watertight and topology.euler_characteristic == 2 and topology.parts == 1
    assert not bool(mesh.outward.any())


def test_the_border_follows_the_rim_and_costs_less_than_a_sweep() -> None:
    cap = Cap(0.6, 1.5)
    found = extracted(cap)
    everything = found.evaluated_count
    with torch.no_grad():
        cap.shape[1] += 0.1
    found.find()
    assert found.evaluated_count < everything / 2
    swept = extracted(cap)
    assert torch.equal(found.extract().vertices, swept.extract().vertices)


def test_descent_moves_the_border() -> None:
    cap = Cap(0.6, 1.4)
    found = extracted(cap, 20)
    for _ in range(15):
        found.find()
        mesh = found.extract()
        corners = mesh.vertices[mesh.triangles.long()]
        face = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = torch.linalg.vector_norm(face, dim=1).sum() / 2
        (gradient,) = torch.autograd.grad((area - 2.6) ** 2, cap.shape)
        with torch.no_grad():
            cap.shape[1] -= 0.05 * gradient[1]
    # 2 π r² (1 − cos θ) = 2.6
    assert float(cap.shape[1].detach()) == pytest.approx(math.acos(1 - 2.6 / (2 * math.pi * 0.36)), abs=0.01)


@pytest.mark.slow
def test_a_network_learns_an_open_sheet_and_comes_back() -> None:
    mesh = extracted(Cap(0.6, 1.5), 32).extract()
    vertices, triangles = mesh.vertices.detach().numpy(), mesh.triangles.numpy()
    architecture = Architecture(layers=3, width=64, frequency=30.0)
    field = NetworkField(architecture, architecture.initial(torch.Generator().manual_seed(0)), distance="unsigned")
    fit(field, samples_of_mesh(vertices, triangles, 40000, device=Device("cpu"), signed=False), iterations=300)
    design = DeepMesh(field, 24)
    design.prepare()
    surface = design.extract()
    topology = measure_topology(surface.triangles.numpy())
    # Small holes may remain where what was learnt is vague.
    assert topology.parts == 1 and 1 <= topology.boundary_loops <= 3 and topology.nonmanifold_edges == 0
    index = TriangleIndex(vertices, triangles, Device("cpu"))
    assert float(index.closest(surface.vertices.detach().double()).distances.mean()) < 0.01
    (gradient,) = torch.autograd.grad(surface.vertices.sum(), design.tensors()["network"])
    assert bool(torch.isfinite(gradient).all()) and float(gradient.abs().max()) > 0.0
    other = DeepMesh.blank(Device("cpu"))
    other.restore(pickle.loads(pickle.dumps(design.state())))
    other.prepare()
    assert np.array_equal(other.extract().vertices.detach().numpy(), surface.vertices.detach().numpy())


def test_marks_of_another_grid_are_refused() -> None:
    with pytest.raises(ParameterError, match="signs"):
        extracted(Cap(0.6, 1.5), 12).recall(torch.zeros(5, dtype=torch.uint8))
