"""Which pairs push: flat ground is flat however it is meshed, and nothing jumps where triangles meet."""

from __future__ import annotations

import ipctk
import numpy as np
import pytest
import torch

from engine.geometry.primitives import box_surface, square
from engine.geometry.sheets import regular_sheet
from engine.simulation.contact.laws import Law
from engine.simulation.contact.nearest import of_edges, on_triangles
from engine.simulation.contact.stencils import closest
from engine.simulation.contact.surface import CollisionSurface, ContactBody

GAP = 1e-3


def _surface(
    held: tuple[np.ndarray, np.ndarray], free: tuple[np.ndarray, np.ndarray]
) -> tuple[CollisionSurface, torch.Tensor]:
    count = len(free[0])
    positions = torch.from_numpy(np.concatenate([free[0], held[0]]))
    bodies = [ContactBody("free", free[1]), ContactBody("held", held[1] + count)]
    return CollisionSurface(bodies, positions, np.arange(len(positions)) >= count, GAP), positions


def _energy(surface: CollisionSurface, positions: torch.Tensor) -> float:
    contacts = surface.contacts(positions)
    return float((contacts.weight * Law("barrier", GAP).evaluate(closest(contacts, positions).distance)[:, 0]).sum())


def test_nearest_features_are_those_of_the_toolkit() -> None:
    random = np.random.default_rng(0)
    points = random.standard_normal((500, 4, 3))
    corners = np.arange(2000).reshape(-1, 4)
    faces = on_triangles(points.reshape(-1, 3), corners[:, 0], corners[:, 1:])
    edges = of_edges(points.reshape(-1, 3), corners[:, :2], corners[:, 2:])
    for number, four in enumerate(points):
        assert faces.part[number] == int(ipctk.point_triangle_distance_type(*four))
        assert faces.squared[number] == pytest.approx(ipctk.point_triangle_distance(*four), rel=1e-9)
        assert edges.part[number] == int(ipctk.edge_edge_distance_type(*four))
        assert edges.squared[number] == pytest.approx(ipctk.edge_edge_distance(*four), rel=1e-9)


@pytest.mark.parametrize("cells", [1, 2, 9])
def test_flat_ground_pushes_every_vertex_alike_however_it_is_meshed(cells: int) -> None:
    sheet, triangles = regular_sheet(0.06, 0.06, 4, 4)
    table, tops = square(0.2, cells)
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    lying = (sheet - sheet.mean(axis=0)) @ turn.T + [0.0, 0.0, 0.6 * GAP]
    surface, positions = _surface((table - table.mean(axis=0), tops), (lying, triangles))
    pushes = positions.clone().requires_grad_()
    contacts = surface.contacts(positions)
    law = Law("barrier", GAP)
    distance = closest(contacts, pushes).distance
    energy = (contacts.weight * law.slope(distance.detach()) * distance).sum()
    force = -torch.autograd.grad(energy, pushes)[0][: len(sheet)]
    expected = -law.slope(torch.tensor([0.6 * GAP], dtype=torch.float64))
    assert torch.allclose(force[:, 2], expected.expand(len(sheet)), rtol=1e-10)
    assert float(force[:, :2].abs().max()) < 1e-12 * float(expected)


def test_only_flat_ground_is_left_out() -> None:
    box, sides = box_surface((0.1, 0.1, 0.1), 3)
    sheet, triangles = regular_sheet(0.05, 0.05, 2, 2)
    surface, positions = _surface((box, sides), (sheet + np.array([0.0, 0.0, 1.0]), triangles))
    held = positions.numpy()[len(sheet) :]
    on_border = (np.abs(np.abs(held) - 0.05) < 1e-9).sum(axis=1) > 1
    flat = surface.counting.flat_vertices[len(sheet) :]
    assert np.array_equal(flat, ~on_border)
    assert not surface.counting.flat_vertices[: len(sheet)].any()
    free_edges = (surface.edges < len(sheet)).all(axis=1)
    assert not surface.counting.flat_edges[free_edges].any()
    # Of a cube with 3 × 3 squares a side, 12 · 3 edges are on its 12 borders.
    assert (~surface.counting.flat_edges[~free_edges]).sum() == 36


def test_energy_is_smooth_where_triangles_meet() -> None:
    """A corner of a sheet goes over a roof with a valley, past its corners and edges: no jump, and no slope's jump."""
    ridge, roof = regular_sheet(0.02, 0.02, 4, 4)
    ridge = ridge - ridge.mean(axis=0)
    random = np.random.default_rng(3)
    ridge[:, 2] = 1.5e-3 * random.standard_normal(len(ridge))
    tip = np.array([[0.0, 0.0, 0.0], [0.05, 0.03, 0.3], [-0.03, 0.05, 0.3]])
    surface, positions = _surface((ridge, roof), (tip, np.array([[0, 1, 2]])))
    base = positions.clone()
    path = np.linspace(-0.007, 0.007, 4001)
    # Along the surface, at less than the gap over it.
    heights = np.array([_height(ridge, roof, np.array([x, 0.37 * x + 1e-3])) for x in path]) + 0.4e-3
    values = []
    for x, z in zip(path, np.convolve(np.pad(heights, 200, "edge"), np.ones(401) / 401, "valid"), strict=True):
        moved = base.clone()
        moved[:3] += torch.tensor([x, 0.37 * x + 1e-3, z + 0.2e-3])
        values.append(_energy(surface, moved))
    energies = np.array(values)
    assert (energies >= -1e-18).all()
    assert energies.max() > 1e-7
    steps = np.abs(np.diff(energies))
    bends = np.abs(np.diff(energies, n=2))
    assert bends.max() < 0.1 * steps.max()


def _height(vertices: np.ndarray, triangles: np.ndarray, place: np.ndarray) -> float:
    for a, b, c in vertices[triangles]:
        shares = np.linalg.solve(np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]]), [*place, 1.0])
        if (shares >= -1e-9).all():
            return float(shares @ [a[2], b[2], c[2]])
    raise ValueError(place)
