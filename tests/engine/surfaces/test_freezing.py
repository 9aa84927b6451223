import numpy as np
import torch

from engine.surfaces.flexicubes import FlexiCubes
from engine.surfaces.surface import Stroke


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
    surface.freeze(Stroke(centre[None], radius))
    descend(surface, 4)
    now = {row.tobytes() for row in surface.output()[0]}
    assert before <= now
    assert len(everything - now) > len(everything) / 3


def test_a_freeze_reaches_cells_on_the_border() -> None:
    surface = FlexiCubes(torch.full((7, 7, 7), -1.0))
    corner = np.array([1.0, 1.0, 1.0])
    before = inside_ball(surface, corner, 0.5)
    surface.freeze(Stroke(corner[None], 0.5))
    descend(surface, 2)
    assert len(before) > 5
    assert before <= inside_ball(surface, corner, 0.5)


def test_thawed_parts_move_again() -> None:
    surface = FlexiCubes.sphere(10, radius=0.5)
    everywhere = np.zeros((1, 3))
    surface.freeze(Stroke(everywhere, 3.0))
    before = surface.output()[0]
    descend(surface, 1)
    assert np.array_equal(surface.output()[0], before)
    surface.freeze(Stroke(everywhere, 3.0, frozen=False))
    descend(surface, 1)
    assert not np.array_equal(surface.output()[0], before)


def test_a_freeze_survives_a_state() -> None:
    surface = FlexiCubes.sphere(10, radius=0.5)
    surface.freeze(Stroke(np.array([[0.5, 0.0, 0.0]]), 0.3))
    before = inside_ball(surface, np.array([0.5, 0.0, 0.0]), 0.3)
    again = FlexiCubes.sphere(4)
    again.restore(surface.state())
    again.prepare()
    descend(again, 2)
    assert before <= inside_ball(again, np.array([0.5, 0.0, 0.0]), 0.3)


def frozen_rows(surface: FlexiCubes) -> dict[str, list[float]]:
    """What the next step may not change: leaf -> values of its frozen rows."""
    return {name: values.reshape(-1).tolist() for name, (_, values) in surface._frozen._kept.items()}


def test_the_frozen_set_is_what_the_strokes_say_one_after_the_other() -> None:
    """Two strokes overlap. Taking back the second must not thaw what the first has frozen."""
    first = Stroke(np.array([[0.5, 0.0, 0.0]]), 0.3)
    second = Stroke(np.array([[0.35, 0.3, 0.0]]), 0.3)
    thawing = Stroke(np.array([[0.5, 0.0, 0.0]]), 0.15, frozen=False)
    surface = FlexiCubes.sphere(12, radius=0.5)
    surface.freeze(first)
    alone, kept = surface.state()["frozen_cells"], frozen_rows(surface)
    surface.freeze(second)
    both = surface.state()["frozen_cells"]
    assert len(np.intersect1d(alone, both)) == len(alone) < len(both)
    surface.set_frozen([first])
    assert np.array_equal(surface.state()["frozen_cells"], alone)
    assert frozen_rows(surface) == kept
    surface.set_frozen([first, second, thawing])
    fewer = surface.state()["frozen_cells"]
    assert set(fewer) < set(both)
    surface.set_frozen([first, thawing, second])
    assert len(surface.state()["frozen_cells"]) > len(fewer), "the later stroke wins"
    surface.set_frozen([])
    assert not len(surface.state()["frozen_cells"]) and not any(frozen_rows(surface).values())


def test_setting_the_frozen_set_keeps_what_was_frozen_and_takes_the_rest_as_it_is_now() -> None:
    first = Stroke(np.array([[0.5, 0.0, 0.0]]), 0.3)
    other = Stroke(np.array([[-0.5, 0.0, 0.0]]), 0.3)
    surface = FlexiCubes.sphere(12, radius=0.5)
    surface.freeze(first)
    held = inside_ball(surface, first.centres[0], first.radius)
    descend(surface, 2)
    held_too = inside_ball(surface, other.centres[0], other.radius)
    surface.set_frozen([first, other])
    descend(surface, 2)
    assert len(held) > 3 and len(held_too) > 2
    assert held <= inside_ball(surface, first.centres[0], first.radius)
    assert held_too <= inside_ball(surface, other.centres[0], other.radius)
