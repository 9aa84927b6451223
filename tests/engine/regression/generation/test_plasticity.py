"""Plane strain of metals against what is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import FormwrightError
from engine.regression.generation import plasticity
from engine.regression.generation.plasticity import Metal, pull_plate, return_to_yield
from engine.regression.generation.plate_mesh import plate_mesh
from engine.regression.generation.shapes import HEIGHT, Flanks

pytest.importorskip("skfem")
METAL = Metal(200_000.0, 0.3, 300.0, 3000.0)


def straight() -> Flanks:
    return Flanks(np.zeros_like, np.zeros_like, {})


def test_the_tangent_is_the_derivative_of_the_stress() -> None:
    generator = np.random.default_rng(0)
    strain = generator.normal(size=(6, 4)) * 3e-3
    strain[:, 2] = 0.0
    strain[0] *= 0.01
    plastic, accumulated = np.zeros((6, 4)), np.zeros(6)
    _, new_plastic, new_accumulated, tangent = return_to_yield(strain, plastic, accumulated, METAL)
    assert new_accumulated[0] == 0.0 and (new_accumulated[1:] > 0.0).all()
    assert np.abs(new_plastic[:, :3].sum(axis=1)).max() < 1e-17  # metals keep their volume
    step = 1e-8
    for k in range(4):
        way = np.zeros(4)
        way[k] = step
        ends = [return_to_yield(strain + s * way, plastic, accumulated, METAL)[0] for s in (1.0, -1.0)]
        assert np.allclose((ends[0] - ends[1]) / (2.0 * step), tangent[:, :, k], rtol=1e-5, atol=1.0)


def test_stress_after_yielding_lies_on_the_hardened_surface() -> None:
    generator = np.random.default_rng(1)
    strain = generator.normal(size=(20, 4)) * 1e-2
    stress, _, accumulated, _ = return_to_yield(strain, np.zeros((20, 4)), np.zeros(20), METAL)
    xx, yy, zz, xy = stress.T
    mises = np.sqrt(0.5 * ((xx - yy) ** 2 + (yy - zz) ** 2 + (zz - xx) ** 2) + 3.0 * xy**2)
    assert np.allclose(mises, METAL.yield_stress + METAL.hardening * accumulated)


def test_an_elastic_plate_follows_its_load_in_proportion_and_is_symmetric() -> None:
    mesh = plate_mesh(straight(), columns=7, rows=15)
    elastic = replace(METAL, yield_stress=np.inf)
    one, two = (
        pull_plate(mesh.vertices, mesh.triangles, mesh.corners, elastic, elongation=e, steps=1) for e in (0.01, 0.02)
    )
    assert np.allclose(2.0 * one.stress, two.stress) and np.isclose(2.0 * one.reaction, two.reaction)
    # Far from the ends a plate in plane strain has σ = E ε / (1 − ν²); ε there from its own displacement.
    middle = np.abs(one.nodes[:, 1] - HEIGHT / 2.0) < 2.5
    slope = np.polyfit(one.nodes[middle, 1], one.displacement[middle, 1], 1)[0]
    expected = elastic.young_modulus * slope / (1.0 - elastic.poisson_ratio**2)
    assert np.isclose(one.stress[middle, 1].mean(), expected, rtol=0.01)
    assert np.isclose(one.reaction, expected * 10.0, rtol=0.01)


def test_a_plate_that_yields_carries_about_its_limit_load() -> None:
    """A long bar in plane strain without hardening yields at 2/√3 of the yield stress."""
    mesh = plate_mesh(straight(), columns=7, rows=15)
    ideal = replace(METAL, hardening=1.0)
    found = pull_plate(mesh.vertices, mesh.triangles, mesh.corners, ideal, elongation=0.12)
    limit = 2.0 / np.sqrt(3.0) * ideal.yield_stress * 10.0
    assert 0.99 * limit < found.reaction < 1.15 * limit
    assert found.plastic_strain.max() > 1e-3


def test_what_does_not_come_into_balance_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plasticity, "MOST_ITERATIONS", 2)
    mesh = plate_mesh(straight(), columns=3, rows=5)
    with pytest.raises(FormwrightError, match="load step 1 of 1"):
        pull_plate(mesh.vertices, mesh.triangles, mesh.corners, METAL, elongation=0.5, steps=1)
