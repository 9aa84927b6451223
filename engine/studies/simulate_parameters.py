"""Parameters of the study *Simulate*, without torch or Warp: all else is in its scene."""

from __future__ import annotations

from engine.core.parameters import ParameterModel, parameter


class SimulateParameters(ParameterModel):
    """What can be set of a simulation, beside its scene."""

    device: str = parameter("cpu", title="Device", help="auto, cpu, cuda or cuda:N.", advanced=True)
