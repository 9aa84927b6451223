"""Edits: how a person steers a Run. Each acts between iterations; the Run records at which one.

Positions and lengths are world millimetres. An Edit is plain data: it goes through the queue to the engine process,
into a Checkpoint, and (one JSON object a line) into a file that replays the session.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from engine.core.parameters import ParameterModel
from engine.protocol.arrays import ArrayModel, Positions, Scalars
from engine.protocol.scene import Scene
from engine.protocol.study import TermSpec

Position = tuple[float, float, float]
Row = tuple[float, float, float, float]


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


class SetFrozen(ParameterModel):
    """Freeze exactly what these strokes freeze, one after the other, and thaw all else: what undo sends.

    What was frozen already stays as it is; what becomes frozen keeps the shape that it has now.
    """

    edit: Literal["set-frozen"] = "set-frozen"
    strokes: list[PaintFreeze]


class SetLatent(ParameterModel):
    """Move the shape of a Model: what the sliders send.

    values : components of its latent, as many as the Model has, 0 the mean shape, most within −3 … 3
    """

    edit: Literal["set-latent"] = "set-latent"
    values: list[float] = Field(min_length=1, max_length=1024)


class SetMask(ArrayModel):
    """Give a name to a region: a number between 0 and 1 everywhere in the world, for Terms to be weighed with.

    At x it is the value of the point nearest to x if that is within `reach`, else 0. A mask of that name that is
    there already is replaced.

    name : of the mask
    points : shape (point_count, 3) [mm], float64; values : in [0, 1], shape (point_count,), float32; reach : [mm]
    """

    edit: Literal["set-mask"] = "set-mask"
    name: str = Field(min_length=1)
    points: Positions
    values: Scalars
    reach: float = Field(gt=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.points) != len(self.values):
            raise ValueError(f"{len(self.values)} values for {len(self.points)} points")
        if len(self.values) and not (self.values.min() >= 0.0 and self.values.max() <= 1.0):
            raise ValueError("the values of a mask lie between 0 and 1")
        return self


class RemoveMask(ParameterModel):
    """Forget a mask; refused while a Term uses it."""

    edit: Literal["remove-mask"] = "remove-mask"
    name: str


class SetTermMask(ParameterModel):
    """Let a Term count where a mask is: its integrand is weighed with outside + (1 − outside) · mask.

    mask : name of the mask; "" lets the Term count everywhere again
    outside : factor where the mask is 0
    """

    edit: Literal["set-term-mask"] = "set-term-mask"
    term: str
    mask: str = ""
    outside: float = Field(default=0.0, ge=0.0, le=1.0)


class SetScene(ParameterModel):
    """Let the scene of a simulation be another one from now on.

    Materials, gravity, friction, motions, sensors and the duration change while it runs; other bodies, shapes, pins and
    time steps are refused: they want a new Run.
    """

    edit: Literal["set-scene"] = "set-scene"
    scene: Scene


class PlaceInput(ParameterModel):
    """Let the target of a study on a simulation stand elsewhere from now on.

    role : of the input
    matrix : from where it stood when the Run was begun to where it stands now [mm], homogeneous, by rows
    """

    edit: Literal["place-input"] = "place-input"
    role: str = "target"
    matrix: tuple[Row, Row, Row, Row]


class Pull(ParameterModel):
    """Pull a point of a body with a spring: what the mouse does while a simulation runs.

    name : of the pull; one of that name moves its target
    body : whose point
    vertex : of the body, the nearest to where it was taken
    target : to where it is pulled [mm]; None lets go
    stiffness : of the spring [N/m]; 0 chooses one by the body's mass and the time step
    """

    edit: Literal["pull"] = "pull"
    name: str = "mouse"
    body: str
    vertex: int = Field(ge=0)
    target: Position | None = None
    stiffness: float = Field(default=0.0, ge=0.0)


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
    SetWeight
    | SetParameter
    | AddTerm
    | RemoveTerm
    | PaintFreeze
    | SetFrozen
    | SetLatent
    | SetMask
    | RemoveMask
    | SetTermMask
    | SetScene
    | PlaceInput
    | Pull
    | Pause
    | Resume
    | Stop
    | Rewind
    | MakeCheckpoint,
    Field(discriminator="edit"),
]

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)
"""Parses and writes any Edit: `EDIT.validate_python({...})`, `EDIT.dump_json(edit)`."""
