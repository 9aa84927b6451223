"""Parameters of the studies that optimise through a simulation, without torch or Warp."""

from __future__ import annotations

from typing import Literal

from engine.core.parameters import ParameterModel, parameter


class SimulatedParameters(ParameterModel):
    """What all of them share."""

    iterations: int = parameter(
        50, title="Iterations", ge=1, le=100000, soft_min=10, soft_max=500, step=10, live=True,
        help="Steps of the optimiser. Each simulates the scene once or several times.",
    )  # fmt: skip
    frame: int = parameter(
        -1, title="Frame", ge=-1, live=True,
        help="Which step of the simulation is shown; −1 is the last.",
    )  # fmt: skip
    memory: int = parameter(
        1024, title="Memory", unit="MiB", ge=16, le=1_000_000, soft_max=16384, advanced=True,
        help="For stored steps. Where it is too small for all of them, gradients take up to one more simulation.",
    )  # fmt: skip


class IdentifyParameters(SimulatedParameters):
    """What can be set of *Identify*."""

    unknowns: str = parameter(
        "", title="Unknowns", picks="numbers",
        help="Which numbers of the scene to find, with commas between them: cloth.young, cloth.thickness, "
        "contact.friction. Empty: Young's modulus of the first sheet. They start from the scene's values.",
    )  # fmt: skip


class HoldParameters(SimulatedParameters):
    """What can be set of *Hold it so*."""

    movers: str = parameter(
        "", title="Grippers", picks="movers",
        help="What is moved, with commas between: grippers, or pins as body/pin. Empty: all grippers, or all pins "
        "where there is no gripper.",
    )  # fmt: skip
    knots: int = parameter(
        4, title="Knots", ge=1, le=100, soft_max=12,
        help="Poses along the way that are found, evenly in time after the start. Between them the way is smooth.",
    )  # fmt: skip
    moves: Literal["translation", "pose", "pose-and-width"] = parameter(
        "translation", title="Moves by", help="What of a gripper's pose is found; the rest stays as its motion says."
    )


class FlatPatternParameters(SimulatedParameters):
    """What can be set of *Flat pattern*."""

    sheet: str = parameter("", title="Sheet", help="Whose pattern is found; empty is the first sheet.", picks="sheet")


class FoldParameters(SimulatedParameters):
    """What can be set of *Fold*."""

    creases: str = parameter(
        "", title="Creases", picks="creases",
        help="Which fold, as sheet/crease with commas between them; empty: all of the scene.",
    )  # fmt: skip


def listed(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
