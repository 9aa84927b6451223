"""The judge of the benchmarks judges what is known, and what they time does its work."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.geometry.mesh import Mesh
from engine.objectives.verification import sphere
from engine.studies.samples import kept_part


@pytest.fixture
def judgement(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module("_judgement")


def bowl(height: float) -> Mesh:
    """What is below `height` [mm] of a ball of 50 mm."""
    ball = sphere(50.0, rings=30)
    return kept_part(ball, height - ball.vertices[:, 2])


def test_a_smaller_ball_is_as_far_off_as_its_radius_says(judgement: ModuleType) -> None:
    """Half a millimetre where 100 mm are 1.8: 0.009."""
    ball = sphere(50.0, rings=30)
    judged = judgement.judge(replace(ball, vertices=0.99 * ball.vertices), ball)
    assert judged.mean == pytest.approx(0.009, rel=0.01)
    assert judged.f1 == 0.0 and judged.border is None and judged.closed_as_it_should
    assert judgement.judge(ball, ball).f1 == 1.0


def test_borders_are_compared_with_borders(judgement: ModuleType) -> None:
    """Bowls of one ball that are cut a millimetre apart; near its equator the border moves by as much."""
    wanted = bowl(0.5)
    judged = judgement.judge(bowl(-0.5), wanted)
    scale = 1.8 / np.ptp(wanted.bounds, axis=0).max()
    assert judged.border == pytest.approx(scale, rel=0.01)
    assert judged.open_as_it_should and not judged.closed_as_it_should
    assert not judgement.judge(sphere(50.0, rings=30), wanted).open_as_it_should


def test_points_lie_evenly_along_segments(judgement: ModuleType) -> None:
    points = judgement.points_along(np.array([[[0.0, 0, 0], [1.0, 0, 0]], [[0, 0, 0], [0, 0.1, 0]]]), spacing=0.25)
    assert np.allclose(points, [[0.125, 0, 0], [0.375, 0, 0], [0.625, 0, 0], [0.875, 0, 0], [0, 0.05, 0]])


def test_what_is_timed_brings_gradients(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every surface on a grid, both ways; the peers that have a gradient say so."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    extractors = import_module("_extractors")
    device = Device("cpu")
    values = extractors.link(12, device)
    half = (torch.linspace(-1.0, 1.0, 13) + 0.02)[:, None, None].expand_as(values).contiguous()
    for surface in (extractors.FlexiCubes(values), extractors.GShell(values, half)):
        extractors.on_grid(surface).both()
        assert all(leaf.grad is not None and leaf.grad.abs().max() > 0 for leaf in surface.tensors().values())
    made = {name: maker(values, device) for name, maker in {**extractors.VARIANTS, **extractors.PEERS}.items()}
    for extractor in made.values():
        (extractor.both or extractor.forward)()
    assert [name for name, extractor in made.items() if extractor.both is None] == [
        "skimage marching cubes",
        "VTK flying edges",
    ]
