"""The Catalogue: which studies, Terms and parameters there are, as JSON schema. Panels are drawn from it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from engine.protocol.study import OptimizerSpec, Study, TermSpec


class TermEntry(BaseModel):
    """A kind of Term.

    schema_ : JSON schema of its parameters
    place : how it is placed in the viewport: "" | "point" (a handle) | "direction" | "plane" (see `Term`)
    maskable : whether a mask can say where it counts; needs_mask : whether one must
    needs_input : role of an input without which its study cannot run; "" for none
    studies : kinds of studies that it serves
    surfaces : kinds of surfaces that it can be asked of; none: of every one
    """

    kind: str
    title: str
    help: str
    formula: str = ""
    source: str = ""
    unit: str = ""
    place: str = ""
    maskable: bool = False
    needs_mask: bool = False
    needs_input: str = ""
    studies: list[str] = Field(default_factory=lambda: ["reconstruct", "complete"])
    surfaces: list[str] = Field(default_factory=list)
    schema_: dict[str, Any] = Field(default_factory=dict)

    def fits(self, surface: str) -> bool:
        """Whether it can be asked of a surface of this kind; "": of a study without any."""
        return not self.surfaces or surface in self.surfaces


class StudyEntry(BaseModel):
    """A kind of study: JSON schema of its parameters, the roles of its inputs, its default Terms and optimiser.

    descends : it has Terms and an optimiser; what does not goes on by itself, a step of time an iteration
    scene : it needs a Scene, whose mesh shapes are inputs too
    makes : the kind of surface that it always makes; "" where a parameter says it, or it makes none
    """

    study: str
    title: str
    help: str
    workspace: str = "Surface"
    descends: bool = True
    scene: bool = False
    makes: str = ""
    inputs: dict[str, str] = Field(default_factory=dict)
    schema_: dict[str, Any] = Field(default_factory=dict)
    default_terms: list[TermSpec] = Field(default_factory=list)
    default_optimizer: OptimizerSpec = Field(default_factory=OptimizerSpec)

    def surface(self, parameters: dict[str, Any]) -> str:
        """The kind of surface that a study with these parameters makes; "" where it makes none."""
        declared = self.schema_.get("properties", {}).get("surface", {})
        return str(parameters.get("surface", declared.get("default", self.makes)))


class GalleryEntry(BaseModel):
    """A ready study with its own data. `picture` is a file name in `assets/gallery`."""

    name: str
    title: str
    help: str
    picture: str = ""
    study: Study


class Catalogue(BaseModel):
    """All that can be asked for, by this version of the engine."""

    version: str
    studies: list[StudyEntry] = Field(default_factory=list)
    terms: list[TermEntry] = Field(default_factory=list)
    gallery: list[GalleryEntry] = Field(default_factory=list)
    optimizer_schema: dict[str, Any] = Field(default_factory=dict)

    def term(self, kind: str) -> TermEntry:
        return next(entry for entry in self.terms if entry.kind == kind)

    def study(self, name: str) -> StudyEntry:
        return next(entry for entry in self.studies if entry.study == name)
