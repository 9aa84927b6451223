"""The Terms of a study and the masks that say where they count, as Edits change them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.objectives.mask import Mask, MaskWeight
from engine.objectives.term import Term, TermContext, build_term, require_mask
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.study import TermSpec


class TermSet:
    """Terms by name with what was asked of them, and masks by name.

    A Term of the study may name a mask that comes only with the first Edits: it is missed when the Term is to be
    evaluated. An Edit that names a mask which is not there is refused.

    specs : the Terms to begin with
    """

    def __init__(self, specs: list[TermSpec], context: TermContext) -> None:
        self._context = context
        self._terms: dict[str, tuple[TermSpec, Term]] = {}
        self._masks: dict[str, Mask] = {}
        for spec in specs:
            self._add(spec)

    def __getitem__(self, name: str) -> Term:
        return self._terms[name][1]

    def specs(self) -> list[TermSpec]:
        """What is asked, as it is now."""
        return [
            spec.model_copy(update={"parameters": term.present_parameters()}) for spec, term in self._terms.values()
        ]

    def require_masks(self, progress: float) -> None:
        """Raise `ParameterError` when a Term that is weighted counts in a mask that is not there."""
        for name, (spec, _) in self._terms.items():
            if spec.mask and self.weight(name, progress) > 0.0:
                self._mask(spec)

    def prepare(self, design: Any, progress: float) -> list[str]:
        """Make the Terms ready for an iteration whose masks are there; returns the names of those that count in it."""
        fitting = [name for name, (_, term) in self._terms.items() if term.fits(design)]
        for name in fitting:
            self[name].prepare(design, progress)
        weighted = [name for name in fitting if self.weight(name, progress) > 0.0]
        leaders = [name for name in weighted if self[name].leads(progress)]
        for name in leaders or weighted:
            spec, term = self._terms[name]
            term.where = MaskWeight(self._mask(spec), spec.outside) if spec.mask else None
        return leaders or weighted

    def values_on(self, vertices: np.ndarray, triangles: np.ndarray) -> dict[str, np.ndarray]:
        """What the Terms that are switched on see of a mesh (working frame); of two that say the same, the last."""
        return {
            name: values
            for spec, term in self._terms.values()
            if spec.enabled
            for name, values in term.values_on(vertices, triangles).items()
        }

    def surface_changed(self) -> None:
        """Another kind of surface stands in for the design."""
        for _, term in self._terms.values():
            term.surface_changed()

    def weight(self, name: str, progress: float) -> float:
        """Weight of a Term at `progress` of the Run, its schedule included."""
        spec, term = self._terms[name]
        return spec.weight * term.schedule(progress) if spec.enabled else 0.0

    def apply(self, edit: Edit) -> Edit | None:
        """Carry out an Edit of Terms or masks; returns its inverse.

        Raises `ParameterError` and changes nothing when it makes no sense.
        """
        match edit:
            case edit_kinds.SetWeight():
                spec = self._spec(edit.term)
                self._replace(spec.model_copy(update={"weight": edit.weight}))
                return edit_kinds.SetWeight(term=edit.term, weight=spec.weight)
            case edit_kinds.SetParameter():
                return self._set_parameter(edit)
            case edit_kinds.SetTermMask():
                return self._set_term_mask(edit)
            case edit_kinds.AddTerm():
                if edit.spec.mask:
                    self._mask(edit.spec)
                self._add(edit.spec)
                return edit_kinds.RemoveTerm(term=edit.spec.name)
            case edit_kinds.RemoveTerm():
                self._spec(edit.term)
                spec = next(spec for spec in self.specs() if spec.name == edit.term)
                del self._terms[edit.term]
                return edit_kinds.AddTerm(spec=spec)
            case edit_kinds.SetMask():
                before = self._masks.get(edit.name)
                self._masks[edit.name] = Mask(edit, self._context.frame, self._context.device)
                return before.edit if before else edit_kinds.RemoveMask(name=edit.name)
            case edit_kinds.RemoveMask():
                return self._remove_mask(edit.name)
        raise ParameterError(edit.edit, "this study does not know this Edit.")

    def state(self) -> State:
        return {
            "terms": [
                {"spec": spec.model_dump(mode="json"), "memory": term.state()} for spec, term in self._terms.values()
            ],
            "masks": [mask.state() for mask in self._masks.values()],
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        before = self._masks
        self._masks = {}
        for entry in values["masks"]:
            edit, known = Mask.edit_of(entry), before.get(entry["name"])
            if known is None or known.edit != edit:
                known = Mask(edit, self._context.frame, self._context.device)
            self._masks[edit.name] = known
        self._terms = {}
        for entry in values["terms"]:
            spec = TermSpec.parse(entry["spec"], owner="checkpoint")
            self._add(spec)
            self[spec.name].restore(entry["memory"])

    def _set_parameter(self, edit: edit_kinds.SetParameter) -> Edit:
        spec = self._spec(edit.owner)
        if edit.name == "enabled":
            self._replace(TermSpec.parse({**spec.model_dump(), "enabled": edit.value}, owner=edit.owner))
            return edit.model_copy(update={"value": spec.enabled})
        term = self[edit.owner]
        old = term.present_parameters()
        if edit.name not in old:
            raise ParameterError(f"{edit.owner}.{edit.name}", "there is no such parameter.")
        term.changed(type(term).Parameters.parse({**old, edit.name: edit.value}, owner=edit.owner))
        self._replace(spec.model_copy(update={"parameters": term.present_parameters()}))
        return edit.model_copy(update={"value": old[edit.name]})

    def _set_term_mask(self, edit: edit_kinds.SetTermMask) -> Edit:
        spec = self._spec(edit.term)
        changed = spec.model_copy(update={"mask": edit.mask, "outside": edit.outside})
        require_mask(changed)
        if edit.mask:
            self._mask(changed)
        self._replace(changed)
        return edit_kinds.SetTermMask(term=edit.term, mask=spec.mask, outside=spec.outside)

    def _remove_mask(self, name: str) -> Edit:
        users = [spec.name for spec, _ in self._terms.values() if spec.mask == name]
        if users:
            raise ParameterError(
                name, f"this mask is in use by {', '.join(users)}.", remedy="Give these Terms another mask, or none."
            )
        if name not in self._masks:
            raise ParameterError(name, "there is no such mask.", remedy=self._present_masks())
        return self._masks.pop(name).edit

    def _mask(self, spec: TermSpec) -> Mask:
        if spec.mask not in self._masks:
            raise ParameterError(
                spec.name, f'it counts where the mask "{spec.mask}" is, and there is no such mask.',
                remedy=self._present_masks(),
            )  # fmt: skip
        return self._masks[spec.mask]

    def _present_masks(self) -> str:
        return f"There are {', '.join(self._masks)}." if self._masks else "There is none: select a region first."

    def _add(self, spec: TermSpec) -> None:
        if spec.name in self._terms:
            raise ParameterError(spec.name, "there is a Term of this name already.", remedy="Choose another name.")
        self._terms[spec.name] = (spec, build_term(spec, self._context))

    def _replace(self, spec: TermSpec) -> None:
        self._terms[spec.name] = (spec, self._terms[spec.name][1])

    def _spec(self, name: str) -> TermSpec:
        if name not in self._terms:
            raise ParameterError(name, "there is no such Term.", remedy=f"There are {', '.join(self._terms)}.")
        return self._terms[name][0]
