import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.surfaces.flexicubes import FlexiCubes


def shaken(surface: FlexiCubes, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for leaf in surface.tensors().values():
        leaf.data.add_(0.05 * torch.randn(leaf.shape, generator=generator))
    surface.prepare()


def test_a_state_comes_back_bit_for_bit(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    shaken(surface, 0)
    shaken(surface, 1)
    saved = pickle.loads(pickle.dumps(surface.state()))
    expected = surface.output()
    shaken(surface, 2)
    other = FlexiCubes.sphere(6)
    for target in (surface, other):
        target.restore(saved)
        assert target.prepare() == []
        assert all(np.array_equal(a, b) for a, b in zip(target.output(), expected, strict=True))
        for name, leaf in target.tensors().items():
            assert np.array_equal(leaf.detach().numpy(), saved[name])
            assert leaf.requires_grad
        assert np.array_equal(target.field().numpy(), target.field().numpy())
    assert torch.equal(surface.field(), other.field())


def test_a_state_taken_between_step_and_prepare_reports_its_growth(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    surface.tensors()["field"].data -= 0.15
    saved = surface.state()
    surface.restore(saved)
    surface.output()  # looking first must not swallow the remaps
    remaps = surface.prepare()
    assert {remap.name for remap in remaps} == {"field", "offsets", "weights"}
    rows = saved["weights"]
    assert isinstance(rows, np.ndarray)
    assert all(len(remap.old) == len(rows) for remap in remaps if remap.name == "weights")


def test_later_changes_do_not_reach_into_a_state(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    saved = surface.state()
    before = pickle.dumps(saved)
    shaken(surface, 0)
    assert pickle.dumps(saved) == before
    other = FlexiCubes.sphere(4)
    other.restore(saved)
    shaken(other, 1)
    assert pickle.dumps(saved) == before


def test_states_of_one_grid_share_their_base(torus_and_ball: Tensor) -> None:
    surface = FlexiCubes(torus_and_ball)
    first = surface.state()
    shaken(surface, 0)
    assert surface.state()["base"] is first["base"]
    surface.restore(first)
    assert surface.state()["base"] is first["base"]
    active = surface.active_nodes()[:3]
    surface.set_field(active, torch.full((3,), 0.5))
    assert surface.state()["base"] is first["base"]
    surface.set_field(torch.zeros(1, dtype=torch.int64), torch.full((1,), -0.5))
    assert surface.state()["base"] is not first["base"]
    assert float(surface.field()[0, 0, 0]) == -0.5 and not np.array_equal(surface.state()["base"], first["base"])


def test_a_checkpoint_at_128_stays_under_40_megabytes() -> None:
    surface = FlexiCubes.sphere(128, radius=0.9)
    state = surface.state()
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    moments = 2 * sum(arrays[name].nbytes for name in surface.tensors())
    assert sum(array.nbytes for array in arrays.values()) + moments < 40e6


def test_a_foreign_state_is_refused() -> None:
    with pytest.raises(ParameterError):
        FlexiCubes.sphere(4).restore({"kind": "deepmesh"})


def wrong(state: Any, name: str) -> Any:
    array = np.asarray(state[name])
    return {
        "missing": None,
        "short": array[:-1],
        "other kind": array.astype(np.complex64),
        "negative": array - 2**30 if array.dtype.kind == "i" else array[..., None],
        "twice": np.zeros_like(array) if array.dtype.kind == "i" else array[None],
    }


@pytest.mark.parametrize("damage", ["missing", "short", "other kind", "negative", "twice"])
@pytest.mark.parametrize("name", ["base", "node_ids", "cell_ids", "field", "offsets", "weights"])
def test_a_state_that_does_not_fit_is_refused_before_a_kernel_sees_it(
    torus_and_ball: Tensor, name: str, damage: str
) -> None:
    saved = FlexiCubes(torus_and_ball).state()
    with pytest.raises(ParameterError, match="surface"):
        FlexiCubes.sphere(4).restore({**saved, name: wrong(saved, name)[damage]})


def test_a_state_of_another_resolution_is_refused(torus_and_ball: Tensor) -> None:
    saved = FlexiCubes(torus_and_ball).state()
    for resolution in (0, 900, "24"):
        with pytest.raises(ParameterError, match="surface"):
            FlexiCubes.sphere(4).restore({**saved, "resolution": resolution})
