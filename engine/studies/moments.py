"""Moments of a simulation as plain data, for Checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.leaves import State
from engine.simulation.stepper import Moment, Snapshot, Stepper
from engine.simulation.system import System


def moment_state(snapshot: Snapshot) -> State:
    """All of a snapshot as arrays, by names that `moment_of` knows."""
    moment = snapshot.moment
    earlier = (
        {}
        if moment.earlier is None
        else {"positions": _array(moment.earlier[0]), "velocities": _array(moment.earlier[1])}
    )
    return {
        "step": moment.step,
        "q": _array(moment.q),
        "velocities": _array(moment.velocities),
        "earlier": earlier,
        "energies": {
            name: {key: _array(value) for key, value in state.items()}
            for name, state in snapshot.states.items()
            if state
        },
    }


def moment_of(values: Mapping[str, Any], stepper: Stepper, system: System) -> Snapshot:
    """What `moment_state` was made of, for a stepper of the same scene; raises `ValueError` for another one."""
    like, present = stepper.moment, system.states()
    earlier = values["earlier"] or None
    moment = Moment(
        _tensor(values["q"], like.q),
        _tensor(values["velocities"], like.velocities),
        None
        if earlier is None
        else (_tensor(earlier["positions"], like.velocities), _tensor(earlier["velocities"], like.velocities)),
        int(values["step"]),
    )
    states = {name: _state(values["energies"].get(name, {}), state) for name, state in present.items()}
    return Snapshot(moment, states)


def _state(values: Mapping[str, Any], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What an earlier version did not keep is as it is at the start."""
    return {key: _tensor(values[key], value, any_shape=True) if key in values else value for key, value in like.items()}


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()


def _tensor(array: np.ndarray, like: Tensor, *, any_shape: bool = False) -> Tensor:
    """A tensor of its own; of the shape of `like`, unless contacts come and go."""
    if not any_shape and array.shape != tuple(like.shape):
        raise ValueError(f"an array of shape {array.shape} where {tuple(like.shape)} is expected")
    return torch.as_tensor(np.array(array)).to(like.device, like.dtype, copy=True)
