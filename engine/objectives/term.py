"""What a Term is: one differentiable wish, a scalar with its gradient on the design and on the surface."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.core.parameters import ParameterModel
from engine.geometry.frame import Frame
from engine.objectives.mask import MaskWeight
from engine.objectives.target import Target
from engine.protocol.catalogue import TermEntry
from engine.protocol.study import TermSpec

FAMILIES: tuple[str, ...] = (
    "fit", "normals", "border", "open_surface", "field", "implicit_field", "regularity", "smooth", "volume", "handle",
    "no_go",
    "symmetry", "developability", "thickness", "overhang", "parts", "boundary", "drag",
    "recorded", "end_shape", "actuation", "pattern", "predicted", "predicted_limits",
)  # fmt: skip
"""Files of this room that declare Terms, in the order in which they are offered."""


@dataclass(frozen=True)
class TermContext:
    """What surrounds a Term for its whole life.

    frame : the way between world millimetres and the working frame
    target : what is to be met, or None where there is nothing
    device : where it is computed
    study : the kind of study, which must be one of those that a Term serves
    """

    frame: Frame
    target: Target | None
    device: Device
    study: str = "reconstruct"

    def require_target(self, owner: str) -> Target:
        if self.target is None:
            raise ParameterError(owner, "there is nothing to compare with.", remedy="Open a mesh or a scan first.")
        return self.target


class Term(ABC):
    """One wish. A subclass declares what it is and what can be set; an instance belongs to one Run.

    kind : its name in files
    title, help : in the user's words; formula and source for the tooltip
    unit : of the value
    place : how it is placed in the viewport: "" | "point" (a handle) | "direction" (an arrow: its parameter
        `direction`) | "plane" (its parameters `point` and `normal`)
    needs_surface : whether it looks at the extracted surface, or at the design alone
    leaves_target : whether it may want the surface away from the target
    maskable : whether its integrand has a place, so that it can be weighed with a mask
    needs_mask : whether it is about a mask, and means nothing without one
    studies : kinds of studies that it serves
    needs_target : whether it compares with a target, and rests where there is none
    needs_input : role of an input without which its study cannot run; "" for none
    surfaces : kinds of surfaces that it can be asked of; none: of every one
    where : how much it counts at a place; None: everywhere alike. Its owner sets it before an iteration
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    place: ClassVar[str] = ""
    needs_surface: ClassVar[bool] = True
    leaves_target: ClassVar[bool] = False
    maskable: ClassVar[bool] = False
    needs_mask: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("reconstruct", "complete")
    needs_target: ClassVar[bool] = False
    needs_input: ClassVar[str] = ""
    surfaces: ClassVar[tuple[str, ...]] = ()

    where: MaskWeight | None = None

    class Parameters(ParameterModel):
        """What can be set; every field is live."""

    def __init__(self, parameters: Any, context: TermContext) -> None:
        self.parameters = parameters
        self.context = context

    def fits(self, design: Any) -> bool:
        """Whether it can be asked of this design; one that cannot rests."""
        if self.needs_target and self.context.target is None:
            return False
        return not self.surfaces or getattr(design, "kind", "") in self.surfaces

    def surface_changed(self) -> None:  # noqa: B027 -- most Terms remember nothing of a surface
        """Another kind of surface takes the place of the design, on a grid of the same resolution."""

    def prepare(self, design: Any, progress: float) -> None:  # noqa: B027 -- most Terms need no preparation
        """Look at the design before an iteration's evaluations; the surface is found after this."""

    @abstractmethod
    def evaluate(self, evaluation: Any, design: Any) -> Tensor:
        """The unweighted scalar, with its graph to what is evaluated or to the design's tensors.

        A Term on a surface is given an `Evaluation` and a `Surface`, and does not look at the latter when it looks at
        the extracted surface alone (None in its checks); a `MotionTerm` is given a `MotionEvaluation`.
        """

    def schedule(self, progress: float) -> float:
        """Factor on the weight at `progress` in [0, 1] of the Run."""
        return 1.0

    def leads(self, progress: float) -> bool:
        """Whether the Terms that do not lead should wait until this one has done its work."""
        return False

    def values_on(self, vertices: np.ndarray, triangles: np.ndarray) -> dict[str, np.ndarray]:
        """What the Term sees of a mesh (working frame), to colour it with: by name, float32 (vertex_count,)."""
        return {}

    def present_parameters(self) -> dict[str, Any]:
        """The parameters as they are now, as plain values."""
        return dict(self.parameters.model_dump(mode="json"))

    def changed(self, parameters: Any) -> None:
        """Take over new parameters while the Run goes on."""
        self.parameters = parameters

    def state(self) -> State:
        """What it remembers from one iteration to the next, beside its parameters."""
        return {}

    def restore(self, state: State) -> None:  # noqa: B027 -- most Terms remember nothing
        """Back to a `state`."""


_KINDS: dict[str, type[Term]] = {}
Kind = TypeVar("Kind", bound=type[Term])


def register(term: Kind) -> Kind:
    """Class decorator: offer this kind of Term."""
    if term.kind in _KINDS:
        raise ParameterError(term.kind, "this kind of Term is declared twice.")
    _KINDS[term.kind] = term
    return term


def term_kinds() -> dict[str, type[Term]]:
    """Every kind of Term, by name, in the order of the families."""
    places = {f"engine.objectives.{family}": place for place, family in enumerate(FAMILIES)}
    for module in places:
        importlib.import_module(module)
    # Whoever imports one family first must not change the order in which they are offered.
    return dict(sorted(_KINDS.items(), key=lambda item: places.get(item[1].__module__, len(places))))


def build_term(spec: TermSpec, context: TermContext) -> Term:
    """The Term that `spec` asks for; raises `ParameterError` for an unknown kind or parameter, or a mask too many or
    too few."""
    kind = find_kind(spec.kind)
    require_mask(spec)
    if context.study not in kind.studies:
        fitting = ", ".join(name for name, other in term_kinds().items() if context.study in other.studies)
        raise ParameterError(
            spec.name, f"{kind.title} does not serve a study of the kind {context.study!r}.",
            remedy=f"These do: {fitting}.",
        )  # fmt: skip
    return kind(kind.Parameters.parse(spec.parameters, owner=spec.name), context)


def require_mask(spec: TermSpec) -> None:
    """Refuse a mask on a Term that has no place, and a Term about a mask without one; raises `ParameterError`."""
    kind = find_kind(spec.kind)
    if spec.mask and not kind.maskable:
        places = ", ".join(other.title for other in term_kinds().values() if other.maskable)
        raise ParameterError(
            spec.name, f"{kind.title} counts as a whole and cannot have a mask.", remedy=f"These can: {places}."
        )
    if kind.needs_mask and not spec.mask:
        raise ParameterError(
            spec.name, f"{kind.title} needs a mask that says where.", remedy="Select a region and choose it here."
        )


def find_kind(name: str) -> type[Term]:
    kinds = term_kinds()
    if name not in kinds:
        raise ParameterError(name, "there is no such kind of Term.", remedy=f"Use one of {', '.join(kinds)}.")
    return kinds[name]


def term_entries() -> list[TermEntry]:
    """What the Catalogue says of every kind of Term."""
    return [
        TermEntry(
            kind=kind.kind,
            title=kind.title,
            help=kind.help,
            formula=kind.formula,
            source=kind.source,
            unit=kind.unit,
            place=kind.place,
            maskable=kind.maskable,
            needs_mask=kind.needs_mask,
            needs_input=kind.needs_input,
            studies=list(kind.studies),
            surfaces=list(kind.surfaces),
            schema_=kind.Parameters.model_json_schema(),
        )
        for kind in term_kinds().values()
    ]
