"""What a Document holds, as one immutable value: undo keeps earlier values, the file stores the present one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from app.document.placement import IDENTITY, Placement, Vector
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.edits import PaintFreeze
from engine.protocol.study import MODEL, Study

RESULT = "result"
"""What a selection on the Run's surface is a selection of; no object has this name."""


@dataclass(frozen=True, eq=False)
class SceneObject:
    """A geometry that is open, as it is shown.

    name : what it is called; no other object has it
    geometry : in the coordinates of its file [mm]; `placed` is what stands in the scene
    colour : "#rrggbb"
    source : its file's path, "sample:NAME", or "" for what was made here
    group : name of the group that it belongs to, "" for none
    """

    name: str
    geometry: Mesh | Points
    colour: str
    source: str = ""
    visible: bool = True
    placement: Placement = IDENTITY
    group: str = ""

    @property
    def unit(self) -> str:
        return self.geometry.unit

    @cached_property
    def placed(self) -> Mesh | Points:
        """The geometry where it stands [mm, world]."""
        return self.placement.apply(self.geometry)

    @property
    def positions(self) -> np.ndarray:
        """Vertices of a mesh or points of a scan where they stand [mm, world], shape (n, 3)."""
        return self.placed.vertices if isinstance(self.placed, Mesh) else self.placed.positions

    @cached_property
    def bounds(self) -> np.ndarray:
        """Lowest and highest corner of its box where it stands [mm, world], shape (2, 3); raises `GeometryError` when
        it is empty."""
        own = self.geometry.bounds
        if not any(self.placement.rotation):
            corners = self.placement.points(own)
            return np.stack([corners.min(axis=0), corners.max(axis=0)])
        positions = self.geometry.vertices if isinstance(self.geometry, Mesh) else self.geometry.positions
        matrix = self.placement.matrix()
        # One coordinate after the other: a copy of ten million points would take a while.
        ends = [(float(line.min()), float(line.max())) for line in (positions @ row for row in matrix[:3, :3])]
        return np.array(ends).T + matrix[:3, 3]

    @property
    def diagonal(self) -> float:
        """Length of the diagonal of its box along its own axes [mm]: turning it changes nothing."""
        low, high = self.geometry.bounds
        return float(np.linalg.norm((high - low) * self.placement.scale))

    def describe(self) -> str:
        """ "12,480 triangles", "40,000 points", or "2,000 triangles round 9,000 tetrahedra"."""
        if isinstance(self.geometry, Mesh):
            if self.geometry.tets is not None:
                return f"{self.geometry.triangle_count:,} triangles round {len(self.geometry.tets):,} tetrahedra"
            return f"{self.geometry.triangle_count:,} triangles"
        return f"{self.geometry.point_count:,} points"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SceneObject) and (self is other or _equal_fields(self, other))

    __hash__ = None  # type: ignore[assignment]  # equal by content, which holds arrays


@dataclass(frozen=True, eq=False)
class Selection:
    """How much each element of a surface or scan belongs to a selection.

    name : "" is the working selection, which the tools change
    of : the object's name, or "result"
    values : in [0, 1], one for each vertex or point, shape (n,), float32
    points : where the values belong [mm, world], shape (n, 3), float64, for a selection on the result, whose vertices
        come and go; None for an object's own vertices or points
    """

    name: str
    of: str
    values: np.ndarray
    points: np.ndarray | None = None

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, np.float32).reshape(-1)
        if not (np.isfinite(values).all() and (values >= 0.0).all() and (values <= 1.0).all()):
            raise ParameterError(self.name or "selection", "its values must lie between 0 and 1.")
        object.__setattr__(self, "values", values)
        if self.points is not None:
            points = np.ascontiguousarray(self.points, np.float64).reshape(-1, 3)
            if len(points) != len(values) or not np.isfinite(points).all():
                raise ParameterError(self.name or "selection", "it needs a finite position for each of its values.")
            object.__setattr__(self, "points", points)

    @property
    def count(self) -> int:
        """Elements that belong to it by half or more."""
        return int(np.count_nonzero(self.values >= 0.5))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and (self is other or _equal_fields(self, other))

    __hash__ = None  # type: ignore[assignment]  # equal by content, which holds arrays


@dataclass(frozen=True)
class Clip:
    """What is cut away from the view, to look inside; the geometry stays whole.

    kind : "plane" hides what lies on the side that `normal` points to, "box" what lies outside of `bounds`
    origin : a point of the plane [mm]
    bounds : lowest and highest corner of the box [mm]
    flipped : hides the other side
    """

    kind: Literal["plane", "box"] = "plane"
    origin: Vector = (0.0, 0.0, 0.0)
    normal: Vector = (1.0, 0.0, 0.0)
    bounds: tuple[Vector, Vector] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    enabled: bool = True
    flipped: bool = False


@dataclass(frozen=True)
class Measurement:
    """A dimension that was taken and stays in the view.

    points : where it was taken [mm, world]: two for a distance, three for an angle (its corner is the second), two for
        a thickness (outside and opposite wall)
    value : [mm], or degrees for an angle
    """

    kind: Literal["distance", "angle", "thickness"]
    points: tuple[Vector, ...]
    value: float


@dataclass(frozen=True)
class Probe:
    """A place on the surface of a part that is predicted; it goes with the part.

    number : by which it is called
    corners : vertices of the triangle that it lies in; weights : of each, that sum to 1
    vertex_count : of the part
    """

    number: int
    corners: tuple[int, int, int]
    weights: tuple[float, float, float]
    vertex_count: int


FILE_ROLES = ("recording", MODEL)
"""Roles that a file may play which is no object: the engine reads a motion or a Model itself."""


@dataclass(frozen=True)
class Resting:
    """A study that is not the present one, and the roles of objects in it."""

    study: Study
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """Where the hand has put the shape of a Model, in the Run that is there.

    move : counts such moves; between two of them a Run goes on by itself, and undoing what else was done leaves it
    values : components of the latent
    """

    move: int = 0
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class SamplesInUse:
    """The data set that a regression model is learnt from, and what of it is looked at.

    data : an .npz or a folder, "" for none
    split : what samples are for, by name, where that is not as the data set says: "train", "test", or "out" for those
        that are left out
    sample, field : that are shown; "" for the first one
    """

    data: str = ""
    split: Mapping[str, str] = field(default_factory=dict)
    sample: str = ""
    field: str = ""


@dataclass(frozen=True)
class Project:
    """All that undo covers and the file stores, but the Run's History, the camera and the layout.

    roles : which object plays which role in the study ("target" -> name)
    strokes : of the freeze brush, oldest first
    branch_titles : what a person calls the Run's branches
    moved : the shape of a Model, while there is a Run of it; no part of what the file stores
    probes : places where what is predicted is kept in sight
    samples : what a regression model is learnt from
    resting : the studies of the other workspaces, by workspace, and of the other kinds of the present ones (see
        `app.document.workspaces`)
    """

    objects: tuple[SceneObject, ...] = ()
    study: Study = field(default_factory=Study)
    roles: Mapping[str, str] = field(default_factory=dict)
    strokes: tuple[PaintFreeze, ...] = ()
    selections: tuple[Selection, ...] = ()
    clip: Clip | None = None
    measurements: tuple[Measurement, ...] = ()
    branch_titles: Mapping[str, str] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    samples: SamplesInUse = field(default_factory=SamplesInUse)
    resting: Mapping[str, Resting] = field(default_factory=dict)
    moved: Moved = field(default=Moved(), compare=False)

    def object(self, name: str) -> SceneObject | None:
        return next((item for item in self.objects if item.name == name), None)

    def selection(self, name: str) -> Selection | None:
        return next((item for item in self.selections if item.name == name), None)

    def with_object(self, name: str, /, **changes: Any) -> Project:
        """The Project with an object changed; raises `ParameterError` when there is none of that name.

        A new name follows into the roles and selections.
        """
        if self.object(name) is None:
            raise ParameterError(name, "there is no such object.")
        objects = tuple(replace(item, **changes) if item.name == name else item for item in self.objects)
        project = replace(self, objects=objects)
        new = changes.get("name", name)
        if new != name:
            selections = tuple(replace(item, of=new) if item.of == name else item for item in self.selections)
            project = replace(project, selections=selections)._with_roles(
                lambda roles: {role: new if value == name else value for role, value in roles.items()}
            )
        return project.with_named_inputs()

    def without_object(self, name: str) -> Project:
        """The Project without an object, its roles and its selections."""
        played = {role for role, value in self.roles.items() if value == name}
        inputs = {role: path for role, path in self.study.inputs.items() if role not in played}
        project = replace(
            self,
            study=self.study.model_copy(update={"inputs": inputs}) if played else self.study,
            objects=tuple(item for item in self.objects if item.name != name),
            selections=tuple(item for item in self.selections if item.of != name),
        )
        return project._with_roles(
            lambda roles: {role: value for role, value in roles.items() if value != name}
        ).with_named_inputs()

    def _with_roles(self, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Project:
        """The Project with the roles of every workspace's study changed."""
        resting = {name: replace(other, roles=change(other.roles)) for name, other in self.resting.items()}
        return replace(self, roles=change(self.roles), resting=resting)

    def with_selection(self, selection: Selection) -> Project:
        """The Project with this selection in place of the one of its name, or after the others."""
        if self.selection(selection.name) is None:
            return replace(self, selections=(*self.selections, selection))
        placed = tuple(selection if item.name == selection.name else item for item in self.selections)
        return replace(self, selections=placed)

    def without_selection(self, name: str) -> Project:
        return replace(self, selections=tuple(item for item in self.selections if item.name != name))

    def with_named_inputs(self) -> Project:
        """The study's inputs, units and shifts as of the objects that play its roles, beside files that play one."""
        inputs = {role: path for role, path in self.study.inputs.items() if role in FILE_ROLES}
        units, shifts = {}, {}
        for role, name in self.roles.items():
            item = self.object(name)
            inputs[role] = item.source if item is not None and item.source else name
            if item is not None and item.unit != "mm":
                units[role] = item.unit
            if item is not None and any(item.geometry.shift):
                shifts[role] = item.geometry.shift
        named = {"inputs": inputs, "units": units, "shifts": shifts}
        if all(getattr(self.study, key) == value for key, value in named.items()):
            return self
        return replace(self, study=self.study.model_copy(update=named))

    @cached_property
    def arrays(self) -> dict[int, int]:
        """Bytes of what takes memory, by identity: earlier and later Projects share most of it."""
        sizes: dict[int, int] = {}
        for item in self.objects:
            for array in geometry_arrays(item.geometry):
                sizes[id(array)] = array.nbytes
            if "placed" in item.__dict__ and item.placed is not item.geometry:
                for array in geometry_arrays(item.placed):
                    sizes[id(array)] = array.nbytes
        for selection in self.selections:
            sizes[id(selection.values)] = selection.values.nbytes
            if selection.points is not None:
                sizes[id(selection.points)] = selection.points.nbytes
        for stroke in self.strokes:
            sizes[id(stroke)] = 200 * len(stroke.centres)
        return sizes


def geometry_arrays(geometry: Mesh | Points) -> Iterator[np.ndarray]:
    """Every array of a geometry."""
    if isinstance(geometry, Mesh):
        yield geometry.vertices
        yield geometry.triangles
        yield from (array for array in (geometry.inner, geometry.tets) if array is not None)
    else:
        yield geometry.positions
        if geometry.normals is not None:
            yield geometry.normals
    for values in geometry.fields.values():
        yield values.values


def _equal_fields(one: Any, other: Any) -> bool:
    return all(_equal(getattr(one, item.name), getattr(other, item.name)) for item in fields(one))


def _equal(one: Any, other: Any) -> bool:
    """Equal by content, arrays of numbers included."""
    if one is other:
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        if not (isinstance(one, np.ndarray) and isinstance(other, np.ndarray)):
            return False
        return _equal_arrays(one, other)
    if isinstance(one, (Mesh, Points)):
        return type(one) is type(other) and _equal_fields(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if hasattr(one, "values") and hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and _equal_fields(one, other)
    return bool(one == other)


def _equal_arrays(one: np.ndarray, other: np.ndarray) -> bool:
    """A scan's field may have no value at a point, and is still the same field."""
    nan = one.dtype.kind == other.dtype.kind == "f"
    step = len(one) // 1000 if one.ndim and one.shape == other.shape else 0
    if step > 1 and not np.array_equal(one[::step], other[::step], equal_nan=nan):
        return False  # what differs at all mostly differs here, and ten million points are not looked through
    return np.array_equal(one, other, equal_nan=nan)
