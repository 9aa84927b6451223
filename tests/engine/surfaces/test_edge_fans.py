"""The switch with which the mesh never runs through itself."""

import itertools

import igl
import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from engine.geometry.intersection import intersecting_triangles
from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.tables import dual_tables
from engine.surfaces.verification import count_defects
from engine.surfaces.verification_flexicubes import extreme, no_intersections, no_intersections_gradient


def test_extreme_parameters_give_no_intersections() -> None:
    result = no_intersections(seeds=3)
    assert result.passed, result
    assert result.detail["with_switch_off"] > 1000


def test_gradient_agrees_with_central_differences() -> None:
    result = no_intersections_gradient(samples=25, seed=5)
    assert result.passed, result


def test_hulls_of_two_groups_of_a_cell_are_separate_in_every_case() -> None:
    """What the proof rests on: a plane with all crossings of one group on one side, those of another on the other."""
    tables = dual_tables()
    corner = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], float)
    # A crossing may be anywhere inside its edge, so both ends of it count, and the plane may touch them.
    for case in range(256):
        for one, other in itertools.combinations(range(tables.group_count[case]), 2):
            sides = []
            for group in (one, other):
                edges = tables.group_edges[case, group]
                sides.append(corner[tables.edge_corners[edges[edges >= 0]]].reshape(-1, 3))
            rows = [[*point, -1.0] for point in sides[0]] + [[*-point, 1.0] for point in sides[1]]
            # Not all points on the plane: the two hulls' middles are apart by one.
            apart = sides[1].mean(axis=0) - sides[0].mean(axis=0)
            found = linprog(
                np.zeros(4), A_ub=rows, b_ub=np.zeros(len(rows)), A_eq=[[*apart, 0.0]], b_eq=[1.0], bounds=(None, None)
            )
            assert found.success, (case, one, other)


def test_a_sphere_is_round_and_keeps_its_counts() -> None:
    plain, fans = (FlexiCubes.sphere(24, no_intersections=switch) for switch in (False, True))
    ours, theirs = fans.extract(), plain.extract()
    assert ours.triangles.shape == theirs.triangles.shape and ours.vertices.shape == theirs.vertices.shape
    assert not count_defects(len(ours.vertices), ours.triangles.numpy())
    distance = torch.linalg.norm(ours.vertices.detach(), dim=1) - 0.6
    assert float(distance.abs().max()) < 0.1 * fans.cell_size
    vertices, triangles = fans.output()
    assert igl.is_edge_manifold(triangles.astype(np.int64))[0]
    assert np.array_equal(triangles, ours.triangles.numpy())
    assert np.array_equal(vertices, ours.vertices.detach().numpy())


def test_a_surface_that_reaches_the_border_is_closed_inside_it() -> None:
    surface = FlexiCubes(torch.full((7, 7, 7), -1.0), no_intersections=True)
    vertices, triangles = surface.output()
    assert not count_defects(len(vertices), triangles)
    assert not len(intersecting_triangles(vertices.astype(np.float64), triangles))
    assert 1 - surface.cell_size < np.abs(vertices).max() < 1


def test_state_and_resampling_keep_the_switch(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball, no_intersections=True)
    extreme(surface, 0, 1.0)
    other = FlexiCubes(torus_and_ball)
    other.restore(surface.state())
    assert other.no_intersections
    assert all(np.array_equal(a, b) for a, b in zip(surface.present_output(), other.present_output(), strict=True))
    surface.resample(32)
    vertices, triangles = surface.present_output()
    assert surface.no_intersections and not count_defects(len(vertices), triangles)
    assert igl.euler_characteristic(triangles) == 2


def test_painting_the_field_on_the_border_leaves_it_outside() -> None:
    surface = FlexiCubes.sphere(8, no_intersections=True)
    index = torch.arange(9**3)
    surface.set_field(index, torch.full((9**3,), -0.1))
    surface.prepare()
    vertices, triangles = surface.present_output()
    assert not count_defects(len(vertices), triangles)
    assert 1 - surface.cell_size < np.abs(vertices).max() < 1
