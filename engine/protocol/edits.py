"""Edits: how a person steers a Run. Each acts between iterations; the Run records at which one.

Positions and lengths are world millimetres. An Edit is plain data: it goes through the queue to the engine process,
into a Checkpoint, and (one JSON object a line) into a file that replays the session.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from engine.core.parameters import ParameterModel
from engine.protocol.study import TermSpec

Position = tuple[float, float, float]


class SetWeight(ParameterModel):
    """Weigh a Term anew."""

    edit: Literal["set-weight"] = "set-weight"
    term: str
    weight: float = Field(ge=0.0)


class SetParameter(ParameterModel):
    """Change a live parameter of the study, of the optimiser, or of a Term.

    owner : "study" (resolution, iterations, ...), "optimizer" (learning_rate, decay) or the name of a Term
    """

    edit: Literal["set-parameter"] = "set-parameter"
    owner: str
    name: str
    value: Any


class AddTerm(ParameterModel):
    """Add a Term: a handle dropped on the surface, a smoothness, a volume."""

    edit: Literal["add-term"] = "add-term"
    spec: TermSpec


class RemoveTerm(ParameterModel):
    """Take a Term away."""

    edit: Literal["remove-term"] = "remove-term"
    term: str


class PaintFreeze(ParameterModel):
    """Freeze (or thaw) what lies within brush stamps: the design stays exactly as it is there.

    centres : of the stamps [mm]; radius : of each [mm]; frozen : False thaws
    """

    edit: Literal["paint-freeze"] = "paint-freeze"
    centres: list[Position]
    radius: float = Field(gt=0.0)
    frozen: bool = True


class Pause(ParameterModel):
    """Stop between iterations; the Run can go on."""

    edit: Literal["pause"] = "pause"


class Resume(ParameterModel):
    """Go on; `steps` > 0 goes on for so many iterations and pauses again."""

    edit: Literal["resume"] = "resume"
    steps: int = Field(0, ge=0)


class Stop(ParameterModel):
    """End the Run where it is; its result and its History stay."""

    edit: Literal["stop"] = "stop"


class Rewind(ParameterModel):
    """Continue from a Checkpoint: a new branch, named `branch` (empty: a name is made up)."""

    edit: Literal["rewind"] = "rewind"
    checkpoint: int
    branch: str = ""


class MakeCheckpoint(ParameterModel):
    """Keep the present state in the History, with a name."""

    edit: Literal["make-checkpoint"] = "make-checkpoint"
    label: str = ""


Edit = Annotated[
    SetWeight | SetParameter | AddTerm | RemoveTerm | PaintFreeze | Pause | Resume | Stop | Rewind | MakeCheckpoint,
    Field(discriminator="edit"),
]

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)
"""Parses and writes any Edit: `EDIT.validate_python({...})`, `EDIT.dump_json(edit)`."""
