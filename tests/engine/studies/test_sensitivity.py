"""The sensitivity does not depend on the mesh that it is measured on."""

from __future__ import annotations

import pytest
import torch

from engine.objectives.verification import evaluation_of
from engine.objectives.volume import enclosed_volume
from engine.studies.sensitivity import shape_sensitivity
from engine.surfaces.flexicubes import FlexiCubes


@pytest.mark.parametrize("resolution", [24, 48])
def test_of_the_volume_it_is_the_area_everywhere(resolution: int) -> None:
    """Moving the surface outward by δ adds A δ to the volume: g = A."""
    surface = FlexiCubes.sphere(resolution, radius=0.6, dtype=torch.float64).extract()
    _, gradient = enclosed_volume(evaluation_of(surface))
    g = shape_sensitivity(surface.vertices.detach(), gradient, surface.triangles, surface.dual_vertex_count).numpy()
    corners = surface.vertices.detach()[surface.triangles.long()]
    sides = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = float(sides.norm(dim=1).sum()) / 2
    assert g.mean() == pytest.approx(area, rel=0.01)
    assert g.std() < 0.02 * area
