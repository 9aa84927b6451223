"""Repairs of meshes by name, which error messages, the window and the command line offer.

Each returns a new Mesh and says what it did. What a repair leaves of vertices and triangles keeps its Fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.core.errors import ParameterError
from engine.core.units import parse_number
from engine.geometry.cleaning import (
    drop_degenerate_triangles,
    drop_unreferenced_vertices,
    remove_specks,
    weld_vertices,
)
from engine.geometry.holes import LARGEST, fill_holes, holes
from engine.geometry.mesh import Mesh
from engine.geometry.orienting import orient_consistently
from engine.geometry.repaired import Repaired, counted
from engine.geometry.splitting import split_nonmanifold


@dataclass(frozen=True)
class Option:
    """The one number that can be said of a repair.

    title : in the user's words; unit : "mm", "" for a plain number
    """

    title: str
    default: float
    unit: str = ""


@dataclass(frozen=True)
class Repair:
    """A repair as it is offered.

    title : what its button says
    help : what it does, a sentence
    apply : the repair, of a mesh and of the option's value where it has one
    count : how much there is to do, where that is cheaper to find than to repair
    """

    title: str
    help: str
    apply: Callable[..., Repaired]
    option: Option | None = None
    count: Callable[[Mesh], str] | None = None


@dataclass(frozen=True)
class Suggestion:
    """A repair that a mesh needs: its name, its title, and how much there is to do: "3 holes"."""

    name: str
    title: str
    found: str


def apply_repair(name: str, mesh: Mesh) -> Repaired:
    """The repair called `name` (a key of `REPAIRS`) on `mesh`; "weld=0.01" gives its option.

    Raises `ParameterError` for an unknown name or an option that is none.
    """
    repair, value = parse_repair(name)
    return repair.apply(mesh) if value is None else repair.apply(mesh, value)


def parse_repair(text: str) -> tuple[Repair, float | None]:
    """A repair and the value of its option, of "NAME" or "NAME=VALUE"; raises `ParameterError`."""
    name, equals, value = text.partition("=")
    if name not in REPAIRS:
        raise ParameterError(
            "repair", f"there is no repair called {name!r}.", remedy=f"There are {', '.join(REPAIRS)}."
        )
    repair = REPAIRS[name]
    if not equals:
        return repair, None
    if repair.option is None:
        raise ParameterError(name, "this repair has no option.", remedy=f"Write {name} alone.")
    number = parse_number(value, name=name)
    if number < 0.0:
        raise ParameterError(name, "must not be negative.", remedy=f"Write for example {name}={repair.option.default}.")
    return repair, number


def suggest_repairs(mesh: Mesh) -> tuple[Suggestion, ...]:
    """The repairs that would change `mesh`, in the order in which they are best applied, each with what it would find
    once those before it are done."""
    suggested = []
    for name, repair in REPAIRS.items():
        if repair.count is not None:
            found = repair.count(mesh)
        else:
            repaired = repair.apply(mesh)
            mesh, found = repaired.mesh, repaired.found
        if found:
            suggested.append(Suggestion(name, repair.title, found))
    return tuple(suggested)


def repair_all(mesh: Mesh) -> tuple[Repaired, ...]:
    """Every repair that changes the mesh, one after the other; the last one holds the result."""
    done = []
    for repair in REPAIRS.values():
        repaired = repair.apply(mesh)
        if repaired.changed:
            done.append(repaired)
            mesh = repaired.mesh
    return tuple(done)


def _drop_non_finite(mesh: Mesh) -> Repaired:
    """A Mesh is finite by construction: only what a loader reads can need it."""
    return Repaired(mesh, "Every vertex is a number.")


def _count_holes(mesh: Mesh) -> str:
    count = len(holes(mesh))
    return counted(count, "hole") if count else ""


REPAIRS: dict[str, Repair] = {
    "drop-non-finite": Repair(
        "Leave out what is not a number", "Leaves out vertices that are no numbers, with their triangles.",
        _drop_non_finite,
    ),
    "weld": Repair(
        "Weld vertices", "Merges vertices at the same place, or nearer to each other than the tolerance.",
        weld_vertices, Option("Tolerance", 0.0, "mm"),
    ),
    "drop-degenerate": Repair(
        "Leave out triangles without area", "Leaves out triangles without area, and those that are there twice.",
        drop_degenerate_triangles,
    ),
    "split-nonmanifold": Repair(
        "Take apart where surfaces cross",
        "Gives each surface vertices of its own where edges have more than two triangles, or surfaces only touch.",
        split_nonmanifold,
    ),
    "drop-unreferenced": Repair(
        "Leave out unused vertices", "Leaves out vertices that no triangle uses.", drop_unreferenced_vertices
    ),
    "remove-specks": Repair(
        "Remove specks", "Removes parts that are smaller than this share of the largest part's area.",
        remove_specks, Option("Smallest share", 0.01),
    ),
    "orient": Repair(
        "Orient alike", "Turns triangles so that neighbours agree, and closed parts so that they face out.",
        orient_consistently,
    ),
    "fill-holes": Repair(
        "Fill holes", "Closes holes of at most so many edges with patches that go on with the surface.",
        fill_holes, Option("Largest hole, in edges", LARGEST), _count_holes,
    ),
}  # fmt: skip
"""Every repair by the name that errors offer, in the order in which they are best applied."""
