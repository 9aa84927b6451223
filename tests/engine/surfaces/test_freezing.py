import numpy as np
import torch

from engine.surfaces.flexicubes import FlexiCubes


def descend(surface: FlexiCubes, steps: int) -> None:
    """Adam with momentum from before the freeze; it tears at the whole surface."""
    for _ in range(steps):
        optimizer = torch.optim.Adam(list(surface.tensors().values()), lr=0.03)
        for _ in range(2):
            mesh = surface.extract()
            loss = (mesh.vertices * mesh.vertices.new_tensor([1.0, -2.0, 0.5])).sum() - (mesh.vertices**2).sum()
            optimizer.zero_grad()
            loss.backward()
            surface.mask_gradients()
            optimizer.step()
            surface.after_step()
        surface.prepare()


def inside_ball(surface: FlexiCubes, centre: np.ndarray, radius: float) -> set[bytes]:
    vertices = surface.output()[0]
    return {row.tobytes() for row in vertices[np.linalg.norm(vertices - centre, axis=1) <= radius]}


def test_the_frozen_part_keeps_every_bit() -> None:
    surface = FlexiCubes.random(10, seed=4, inside_fraction=0.4)
    centre, radius = np.array([0.2, 0.1, -0.1]), 0.35
    descend(surface, 1)
    before = inside_ball(surface, centre, radius)
    everything = {row.tobytes() for row in surface.output()[0]}
    assert len(before) > 20
    surface.freeze(centre[None], radius, frozen=True)
    descend(surface, 4)
    now = {row.tobytes() for row in surface.output()[0]}
    assert before <= now
    assert len(everything - now) > len(everything) / 3


def test_a_freeze_reaches_cells_on_the_border() -> None:
    surface = FlexiCubes(torch.full((7, 7, 7), -1.0))
    corner = np.array([1.0, 1.0, 1.0])
    before = inside_ball(surface, corner, 0.5)
    surface.freeze(corner[None], 0.5, frozen=True)
    descend(surface, 2)
    assert len(before) > 5
    assert before <= inside_ball(surface, corner, 0.5)


def test_thawed_parts_move_again() -> None:
    surface = FlexiCubes.sphere(10, radius=0.5)
    everywhere = np.zeros((1, 3))
    surface.freeze(everywhere, 3.0, frozen=True)
    before = surface.output()[0]
    descend(surface, 1)
    assert np.array_equal(surface.output()[0], before)
    surface.freeze(everywhere, 3.0, frozen=False)
    descend(surface, 1)
    assert not np.array_equal(surface.output()[0], before)


def test_a_freeze_survives_a_state() -> None:
    surface = FlexiCubes.sphere(10, radius=0.5)
    surface.freeze(np.array([[0.5, 0.0, 0.0]]), 0.3, frozen=True)
    before = inside_ball(surface, np.array([0.5, 0.0, 0.0]), 0.3)
    again = FlexiCubes.sphere(4)
    again.restore(surface.state())
    again.prepare()
    descend(again, 2)
    assert before <= inside_ball(again, np.array([0.5, 0.0, 0.0]), 0.3)
