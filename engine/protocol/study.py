"""A Study: what is optimised, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import tomlkit
from pydantic import Field, field_validator
from tomlkit.exceptions import TOMLKitError

from engine.core.errors import FileError, ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.protocol.scene import Scene

SAMPLE = "sample:"
"""What the name of an input begins with that is no file but one of `engine.studies.samples`."""


MODEL = "model"
"""The role of an input that is no Geometry but a Model's file."""

MODEL_EXTENSION = ".safetensors"
"""Of a Model's file."""


class TermSpec(ParameterModel):
    """One wish: which kind of Term, its weight, and its own parameters (declared by the kind, see the Catalogue).

    mask : name of the mask that says where it counts; "" is everywhere. Masks come by `SetMask` Edits.
    outside : factor where the mask is 0: the integrand is weighed with outside + (1 − outside) · mask
    """

    kind: str
    name: str
    weight: float = Field(1.0, ge=0.0)
    enabled: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict)
    mask: str = ""
    outside: float = Field(default=0.0, ge=0.0, le=1.0)


class OptimizerSpec(ParameterModel):
    """How the descent goes down."""

    kind: Literal["adam", "l-bfgs", "cma-es", "hybrid"] = parameter(
        "adam", title="Method",
        help="Adam follows noisy gradients, and suits distances to a target. L-BFGS takes about six evaluations an "
        "iteration and converges sharper where the loss is smooth and nothing is random; on distances it soon rests. "
        "CMA-ES needs no gradient and tries a generation of designs an iteration, for studies of few numbers whose "
        "losses are rough; the hybrid begins with it and goes on with the gradient.",
    )  # fmt: skip
    learning_rate: float = parameter(
        0.01, title="Step size", help="Learning rate, in working lengths of the raw parameters.",
        gt=0.0, le=1.0, soft_min=1e-4, soft_max=0.1, logarithmic=True, live=True,
    )  # fmt: skip
    decay: float = parameter(
        1.0, title="Decay", help="The step size is multiplied by 10^(−decay · iteration / iterations).",
        ge=0.0, le=6.0, soft_max=3.0, live=True,
    )  # fmt: skip
    search_spread: float = parameter(
        0.3, title="Spread", help="Of the first generation of CMA-ES: standard deviation in the design's own units.",
        gt=0.0, le=100.0, soft_min=0.01, soft_max=3.0, logarithmic=True, advanced=True,
    )  # fmt: skip
    search_population: int = parameter(
        0, title="Population", help="Designs in a generation of CMA-ES; 0: 4 + 3 ln n for n numbers.",
        ge=0, le=1000, soft_max=40, advanced=True,
    )  # fmt: skip
    search_generations: int = parameter(
        10, title="Generations first", help="Of CMA-ES, before the hybrid goes on with the gradient.",
        ge=1, le=100000, soft_max=50, advanced=True,
    )  # fmt: skip
    search_then: Literal["adam", "l-bfgs"] = parameter(
        "adam", title="Then", help="With which gradient method the hybrid goes on.", advanced=True,
    )  # fmt: skip
    search_seed: int = parameter(
        0, title="Seed of the search", help="Of what CMA-ES draws.", ge=0, le=2**31 - 1, advanced=True,
    )  # fmt: skip
    search_workers: int = parameter(
        1, title="Processes", help="In which a generation of CMA-ES is evaluated; the result is the same.",
        ge=1, le=64, soft_max=8, advanced=True,
    )  # fmt: skip

    @field_validator("search_population")
    @classmethod
    def _enough(cls, population: int) -> int:
        if 0 < population < 4:
            raise ValueError("a generation has at least 4 designs, or 0 for as many as suit")
        return population


class Study(ParameterModel):
    """A design, a forward model, Terms and an optimiser.

    study : which kind of study (a key of the Catalogue's studies)
    inputs : geometry by role, as file paths ("target" -> "scan.ply"); relative paths are relative to the study's file;
        "sample:NAME" is an input that the program brings (`engine.studies.samples`)
    units : length unit of an input by role, for files that declare none ("target" -> "in"); mm where nothing is said
    shifts : what is taken away from an input's coordinates, by role [mm]; what they need where nothing is said
    parameters : of the study, declared by its kind (surface, resolution, iterations, start, seed, device, ...)
    terms : the wishes; an empty list means the study's defaults
    scene : what is simulated, for studies that simulate; the inputs of its mesh shapes are the study's
    """

    format: Literal[1] = 1
    study: str = "reconstruct"
    inputs: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    shifts: dict[str, tuple[float, float, float]] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    optimizer: OptimizerSpec = Field(default_factory=OptimizerSpec)
    terms: list[TermSpec] = Field(default_factory=list)
    scene: Scene | None = None

    def term(self, name: str) -> TermSpec:
        for spec in self.terms:
            if spec.name == name:
                return spec
        raise ParameterError(
            name, "the study has no such term.", remedy=f"It has {', '.join(t.name for t in self.terms) or 'none'}."
        )

    def to_toml(self) -> str:
        """The study as a person would write it."""
        values = self.model_dump(mode="json", exclude_none=True)
        for term in values["terms"]:
            if not term["mask"]:
                del term["mask"], term["outside"]  # a mask comes by Edits: a file without any need not speak of it
        return tomlkit.dumps(values)

    @staticmethod
    def from_toml(text: str, *, owner: str = "study") -> Study:
        """Parse; raises `ParameterError` that names the line or the parameter."""
        try:
            values = tomlkit.parse(text).unwrap()
        except TOMLKitError as error:
            raise ParameterError(owner, f"this is not valid TOML: {error}.") from None
        return Study.parse(values, owner=owner)

    @staticmethod
    def read(path: str | Path) -> Study:
        """Read a `.toml`; input paths become absolute, relative to the file's folder."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise FileError(path, f"it cannot be read ({error.strerror or error}).") from None
        except UnicodeDecodeError:
            raise FileError(path, "it is no study: it holds no text.", remedy="A study is a .toml file.") from None
        study = Study.from_toml(text, owner=path.name)
        inputs = {
            role: value if value.startswith(SAMPLE) else str((path.parent / value).resolve())
            for role, value in study.inputs.items()
        }
        return study.model_copy(update={"inputs": inputs})
