"""Specks and cavities are found by what the target claims, and taken out at the grid's nodes."""

from __future__ import annotations

import numpy as np
import torch

from engine.core.device import Device
from engine.geometry.topology import euler_and_parts
from engine.studies.specks import enclosed_nodes, surplus_parts, unclaimed_parts
from engine.surfaces.flexicubes import FlexiCubes

CPU = Device("cpu")
RESOLUTION = 24


def ball_with_speck_and_cavity() -> FlexiCubes:
    axis = torch.linspace(-1.0, 1.0, RESOLUTION + 1)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")

    def distance(centre: tuple[float, float, float], radius: float) -> torch.Tensor:
        return ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2).sqrt() - radius

    ball = torch.maximum(distance((0.0, 0.0, 0.0), 0.6), -distance((0.1, 0.0, 0.0), 0.2))
    return FlexiCubes(torch.minimum(ball, distance((0.8, 0.8, 0.8), 0.12)))


def test_a_speck_and_a_cavity_go_and_the_body_stays() -> None:
    surface = ball_with_speck_and_cavity()
    surface.prepare()
    vertices, triangles = surface.output()
    assert euler_and_parts(triangles)[1] == 3
    outer = np.flatnonzero(np.linalg.norm(vertices[triangles].mean(axis=1), axis=1) > 0.5)
    outer = outer[np.linalg.norm(vertices[triangles[outer]].mean(axis=1), axis=1) < 0.7]
    labels, unclaimed = unclaimed_parts(triangles, outer, expected=1)
    assert len(unclaimed) == 2
    index, outside = enclosed_nodes(vertices, triangles[np.isin(labels, unclaimed)], surface, CPU)
    assert bool(outside.any()) and not bool(outside.all())
    before = surface.field()
    surface.set_field(index, torch.where(outside, 0.05, -0.05))
    (remap, *_) = surface.prepare()
    assert remap.name == "field"
    assert euler_and_parts(surface.output()[1]) == (2, 1)
    changed = (surface.field() != before).reshape(-1)
    assert set(torch.nonzero(changed)[:, 0].tolist()) <= set(index.tolist())


def test_what_the_target_claims_stays() -> None:
    triangles = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    nearest = np.array([0] * 90 + [1] * 9 + [2])
    assert unclaimed_parts(triangles, nearest, expected=1)[1].tolist() == [2]
    assert unclaimed_parts(triangles, nearest, expected=3)[1].tolist() == []
    assert unclaimed_parts(triangles, np.zeros(100, int), expected=3)[1].tolist() == [1, 2]


def three_balls() -> FlexiCubes:
    axis = torch.linspace(-1.0, 1.0, 33, dtype=torch.float64)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    balls = [((-0.6, 0.0, 0.0), 0.3), ((0.1, 0.5, 0.0), 0.2), ((0.6, -0.3, 0.2), 0.15)]
    fields = [(points - points.new_tensor(centre)).norm(dim=-1) - radius for centre, radius in balls]
    hollow = 0.15 - (points - points.new_tensor(balls[0][0])).norm(dim=-1)  # a cavity in the first
    return FlexiCubes(torch.maximum(torch.stack(fields).amin(dim=0), hollow))


def test_the_wanted_number_of_parts_stays() -> None:
    vertices, triangles = three_balls().present_output()
    for keep in (1, 2, 3, 7):
        labels, surplus = surplus_parts(vertices, triangles, keep)
        left = triangles[~np.isin(labels, surplus)]
        assert euler_and_parts(left)[1] == min(keep, 3) + 1  # the cavity stays with its ball
        assert vertices[np.unique(left), 0].min() < -0.85  # the largest is always among them


def test_of_more_parts_those_stay_that_the_target_claims() -> None:
    vertices, triangles = three_balls().present_output()
    small = np.flatnonzero(vertices[triangles][:, :, 0].min(axis=1) > 0.4)
    labels, surplus = surplus_parts(vertices, triangles, 1, np.repeat(small, 2))
    left = triangles[~np.isin(labels, surplus)]
    assert euler_and_parts(left) == (2, 1) and vertices[np.unique(left), 0].min() > 0.4
