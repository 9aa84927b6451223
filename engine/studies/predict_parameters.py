"""Parameters of the study *Predict*, without torch or Warp: command line and window draw their options from it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.core.parameters import ParameterModel, parameter


class PredictParameters(ParameterModel):
    """What can be set of a part that a Model predicts, beside its Terms and its optimiser."""

    freedom: Literal["family", "free"] = parameter(
        "family", title="Shape", help="How the shape may vary.",
        choice_help={
            "family": "As the learnt shapes do: straight sides stay straight, and the Model knows what it sees.",
            "free": "Every place of the border by itself, smoothed. The Model may soon see what it does not know.",
        },
    )  # fmt: skip
    smoothing: float = parameter(
        3.0, title="Smoothing", unit="%", gt=0.0, le=50.0, soft_max=10.0, shown_for={"freedom": ["free"]},
        help="Length along the border over which motions are smoothed, in percent of the part's diagonal.",
    )  # fmt: skip
    inputs: dict[str, float] = Field(
        default_factory=dict, title="Scalars", validate_default=True,
        description="Scalars that the Model needs, by name. Those that are not named begin at the mean of its samples.",
        json_schema_extra={"live": True},
    )  # fmt: skip
    vary: list[str] = Field(
        default_factory=list, title="Let vary", validate_default=True,
        description="Scalars that are found with the shape, by name; the others stay as they are.",
        json_schema_extra={"live": True},
    )  # fmt: skip
    shown: str = parameter(
        "",
        title="Field",
        live=True,
        picks="predicted-field",
        help="Which predicted field is shown; empty: the first of the Model.",
    )
    iterations: int = parameter(
        100, title="Iterations", ge=1, le=100000, soft_min=20, soft_max=500, step=20, live=True,
        help="Steps of the descent.",
    )  # fmt: skip
