"""Sheets that the tests of thin shells share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.sheets import scattered_sheet

Sheet = tuple[Tensor, np.ndarray]


@pytest.fixture
def wavy() -> Sheet:
    """A random triangulation with boundary, curved both ways at rest."""
    positions, triangles = scattered_sheet(1.0, 0.8, 5, 5, seed=4)
    positions[:, 2] = 0.2 * np.sin(3.0 * positions[:, 0]) * np.cos(2.0 * positions[:, 1]) + 0.1 * positions[:, 1] ** 2
    return torch.as_tensor(positions), triangles


@pytest.fixture
def ball() -> Sheet:
    """A closed sheet: an octahedron divided twice."""
    points = [np.array(p, float) for p in [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]]
    faces = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]
    for _ in range(2):
        middles: dict[tuple[int, int], int] = {}

        def middle(a: int, b: int, known: dict[tuple[int, int], int] = middles) -> int:
            key = (min(a, b), max(a, b))
            if key not in known:
                known[key] = len(points)
                half = points[a] + points[b]
                points.append(half / np.linalg.norm(half))
            return known[key]

        faces = [
            part
            for a, b, c in faces
            for ab, bc, ca in [(middle(a, b), middle(b, c), middle(c, a))]
            for part in [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        ]
    return torch.as_tensor(np.array(points)), np.array(faces)


@pytest.fixture
def moebius() -> Sheet:
    """A band with half a turn: its triangles cannot be wound consistently."""
    count = 16
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    side = 0.3 * np.array([-1.0, 1.0])
    radius = 1.0 + side[None, :] * np.cos(angle / 2)[:, None]
    positions = np.stack(
        [radius * np.cos(angle)[:, None], radius * np.sin(angle)[:, None], side[None, :] * np.sin(angle / 2)[:, None]],
        axis=-1,
    ).reshape(-1, 3)
    faces = []
    for i in range(count):
        a, b = 2 * i, 2 * i + 1
        c, d = (2 * i + 2, 2 * i + 3) if i + 1 < count else (1, 0)
        faces += [(a, c, b), (b, c, d)]
    return torch.as_tensor(positions), np.array(faces)


@pytest.fixture
def shaken() -> Callable[[Tensor, int, float], Tensor]:
    """Unknowns of a sheet far from rest: positions moved by `amount`, and rotations of some 0.7 rad."""

    def shake(positions: Tensor, rotations: int, amount: float) -> Tensor:
        generator = torch.Generator().manual_seed(5)
        moved = positions + amount * torch.randn(positions.shape, generator=generator, dtype=torch.float64)
        turned = 0.7 * torch.randn(rotations, generator=generator, dtype=torch.float64)
        return torch.cat([moved.reshape(-1), turned])

    return shake
