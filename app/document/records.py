"""A Project as JSON and arrays, and back: what a document's file and the autosave have in common.

`document.json` refers to arrays by the hash of their content, so that equal arrays are kept once; its table "arrays"
says type and shape of each, which are checked before anything of it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError, model_validator

from app.document.archive import array_member, damaged, plain, require_finite
from app.document.placement import Placement
from app.document.project import (
    RESULT,
    Clip,
    Measurement,
    Probe,
    Project,
    Resting,
    SamplesInUse,
    SceneObject,
    Selection,
)
from engine.core.errors import FileError, FormwrightError
from engine.geometry import fields
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.edits import PaintFreeze
from engine.protocol.study import Study

Vector = tuple[float, float, float]

Domain = Literal["vertex", "face", "node", "point"]


class Record(BaseModel):
    """A part of `document.json`. What a newer program has added is left unread."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class ArrayRecord(Record):
    """Type ("<f8") and shape of an array."""

    dtype: str = Field(pattern=r"^[<|][fiub][1248]$")
    shape: list[int] = Field(max_length=3)


class FieldRecord(Record):
    key: str
    name: str
    values: str
    domain: Domain
    unit: str = ""
    signed: bool = False
    meta: dict[str, str] = Field(default_factory=dict)


class GeometryRecord(Record):
    """positions : the vertices of a mesh, or the points of a scan; triangles, normals, inner, tets : "" where there are
    none"""

    kind: Literal["mesh", "points"]
    name: str
    unit: str = "mm"
    notes: tuple[str, ...] = ()
    shift: Vector = (0.0, 0.0, 0.0)
    unit_assumed: bool = False
    positions: str
    triangles: str = ""
    normals: str = ""
    inner: str = ""
    tets: str = ""
    fields: list[FieldRecord] = Field(default_factory=list)


class ObjectRecord(Record):
    name: str
    geometry: GeometryRecord
    colour: str
    source: str = ""
    visible: bool = True
    placement: Placement = Field(default_factory=Placement)
    group: str = ""


class StrokeRecord(Record):
    centres: str
    radius: float
    frozen: bool = True


class SelectionRecord(Record):
    name: str
    of: str
    values: str
    points: str = ""


class RestingRecord(Record):
    study: dict[str, Any]
    roles: dict[str, str] = Field(default_factory=dict)


class SamplesRecord(Record):
    data: str = ""
    split: dict[str, Literal["train", "test", "out"]] = Field(default_factory=dict)
    sample: str = ""
    field: str = ""


class ProbeRecord(Record):
    number: int = Field(ge=1)
    corners: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt]
    weights: Vector
    vertex_count: int = Field(ge=1)

    @model_validator(mode="after")
    def _on_the_part(self) -> Self:
        if max(self.corners) >= self.vertex_count:
            raise ValueError("a probe lies on a vertex that its part has not")
        return self


class ProjectRecord(Record):
    objects: list[ObjectRecord] = Field(default_factory=list)
    study: dict[str, Any] = Field(default_factory=dict)
    roles: dict[str, str] = Field(default_factory=dict)
    strokes: list[StrokeRecord] = Field(default_factory=list)
    selections: list[SelectionRecord] = Field(default_factory=list)
    clip: Clip | None = None
    measurements: tuple[Measurement, ...] = ()
    branch_titles: dict[str, str] = Field(default_factory=dict)
    probes: list[ProbeRecord] = Field(default_factory=list)
    samples: SamplesRecord = Field(default_factory=SamplesRecord)
    resting: dict[str, RestingRecord] = Field(default_factory=dict)


FARTHEST = 1e100
"""Of a placed coordinate [mm]: squares of what lies beyond are no numbers."""

_GEOMETRIES = TypeAdapter(dict[str, GeometryRecord])


class ArrayNames:
    """Names arrays by their content, and remembers the names as long as the arrays live: what is open is never
    changed in place, so an autosave need not look at all of it again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[np.ndarray], str]] = {}

    def name(self, array: np.ndarray) -> str:
        """32 hexadecimal digits."""
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return known[1]
        kept = plain(array)
        digest = hashlib.blake2b(f"{kept.dtype.str}{kept.shape}".encode(), digest_size=16)
        if kept.size:
            digest.update(kept.data)
        name = digest.hexdigest()
        self._known[id(array)] = (weakref.ref(array), name)
        if len(self._known) > 1000:
            self._known = {key: entry for key, entry in self._known.items() if entry[0]() is not None}
        return name


class Encoder:
    """Makes the record of a Project. `arrays` are those that it refers to, by name."""

    def __init__(self, names: ArrayNames | None = None) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._names = names or ArrayNames()

    def table(self) -> dict[str, dict[str, Any]]:
        """The table "arrays" of `document.json`."""
        table = {}
        for name, array in self.arrays.items():
            kept = plain(array)
            table[name] = ArrayRecord(dtype=kept.dtype.str, shape=list(kept.shape)).model_dump()
        return table

    def project(self, project: Project) -> dict[str, Any]:
        """Raises `ValueError` for an array that is none of numbers."""
        record = ProjectRecord(
            objects=[self._object(item) for item in project.objects],
            study=project.study.model_dump(),
            roles=dict(project.roles),
            strokes=[
                StrokeRecord(
                    centres=self._add(np.asarray(stroke.centres, np.float64).reshape(-1, 3)),
                    radius=stroke.radius,
                    frozen=stroke.frozen,
                )
                for stroke in project.strokes
            ],
            selections=[
                SelectionRecord(
                    name=item.name, of=item.of, values=self._add(item.values), points=self._add(item.points)
                )
                for item in project.selections
            ],
            clip=project.clip,
            measurements=project.measurements,
            branch_titles=dict(project.branch_titles),
            probes=[ProbeRecord.model_validate(vars(probe)) for probe in project.probes],
            samples=SamplesRecord.model_validate({**vars(project.samples), "split": dict(project.samples.split)}),
            resting={
                name: RestingRecord(study=other.study.model_dump(), roles=dict(other.roles))
                for name, other in project.resting.items()
            },
        )
        return record.model_dump()  # as Python: JSON mode makes null of NaN

    def geometries(self, geometries: Mapping[str, Mesh | Points]) -> dict[str, Any]:
        """Records of geometries by role."""
        return {role: self._geometry(geometry).model_dump() for role, geometry in geometries.items()}

    def _object(self, item: SceneObject) -> ObjectRecord:
        return ObjectRecord(
            name=item.name,
            geometry=self._geometry(item.geometry),
            colour=item.colour,
            source=item.source,
            visible=item.visible,
            placement=item.placement,
            group=item.group,
        )

    def _geometry(self, geometry: Mesh | Points) -> GeometryRecord:
        mesh = isinstance(geometry, Mesh)
        return GeometryRecord(
            kind="mesh" if mesh else "points",
            name=geometry.name,
            unit=geometry.unit,
            notes=geometry.notes,
            shift=geometry.shift,
            unit_assumed=geometry.unit_assumed,
            positions=self._add(geometry.vertices if isinstance(geometry, Mesh) else geometry.positions),
            triangles=self._add(geometry.triangles) if isinstance(geometry, Mesh) else "",
            normals="" if isinstance(geometry, Mesh) else self._add(geometry.normals),
            inner=self._add(geometry.inner) if isinstance(geometry, Mesh) else "",
            tets=self._add(geometry.tets) if isinstance(geometry, Mesh) else "",
            fields=[
                FieldRecord(
                    key=key,
                    name=field.name,
                    values=self._add(field.values),
                    domain=field.domain,
                    unit=field.unit,
                    signed=field.signed,
                    meta=field.meta,
                )
                for key, field in geometry.fields.items()
            ],
        )

    def _add(self, array: np.ndarray | None) -> str:
        if array is None:
            return ""
        name = self._names.name(array)
        self.arrays.setdefault(name, array)
        return name


ReadArray = Callable[[str, str, tuple[int, ...]], np.ndarray]
"""Reads the array of a name that is of this type and shape."""


class Decoder:
    """Makes a Project of its record.

    path : of the document, for errors; table : its "arrays"; read : finds an array
    """

    def __init__(self, path: Path, table: Any, read: ReadArray) -> None:
        self._path = path
        self._read = read
        self._arrays: dict[str, np.ndarray] = {}
        if not isinstance(table, dict):
            raise damaged(path, "it has no table of arrays")
        self._table = table

    def project(self, values: Any) -> Project:
        """Raises `FileError` that says what is wrong."""
        with self._checking("project"):
            record = ProjectRecord.model_validate(values)
            project = Project(
                objects=tuple(self._object(item) for item in record.objects),
                study=Study.parse(record.study, owner="study"),
                roles=record.roles,
                strokes=tuple(self._stroke(stroke) for stroke in record.strokes),
                selections=tuple(self._selection(item) for item in record.selections),
                clip=record.clip,
                measurements=record.measurements,
                branch_titles=record.branch_titles,
                probes=tuple(Probe(**probe.model_dump()) for probe in record.probes),
                samples=SamplesInUse(**record.samples.model_dump()),
                resting={
                    name: Resting(Study.parse(other.study, owner="study"), other.roles)
                    for name, other in record.resting.items()
                },
            )
        self._require_sense(project)
        return project

    def geometries(self, values: Any) -> dict[str, Mesh | Points]:
        """Geometries by role; raises `FileError`."""
        with self._checking("inputs of the run"):
            records = _GEOMETRIES.validate_python(values)
            return {role: self._geometry(record) for role, record in records.items()}

    @contextlib.contextmanager
    def _checking(self, what: str) -> Iterator[None]:
        """Whatever does not fit is said of the file."""
        try:
            yield
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise damaged(self._path, f"{place or what}: {first['msg']}") from None
        except FormwrightError as error:
            # Of an array it is told by the reader, and need not be said again.
            raise error if isinstance(error, FileError) else damaged(self._path, error.message.rstrip(".")) from None

    def _object(self, record: ObjectRecord) -> SceneObject:
        geometry = self._geometry(record.geometry)
        if element_count(geometry):
            with np.errstate(all="ignore"):
                corners = record.placement.points(geometry.bounds)
            if not (np.abs(corners) < FARTHEST).all():
                raise damaged(self._path, f"{record.name} stands farther away than numbers reach")
        return SceneObject(
            record.name, geometry, record.colour, record.source, record.visible, record.placement, record.group
        )

    def _geometry(self, record: GeometryRecord) -> Mesh | Points:
        positions = self._array(record.positions, "f", 3)
        triangles = self._array(record.triangles, "i", 3) if record.kind == "mesh" else np.zeros((0, 3), np.int32)
        count = {"vertex": len(positions), "point": len(positions), "face": len(triangles)}
        values = {}
        for field in record.fields:
            array = self._array(field.values, None, None, finite=False)  # a scan may lack a value at a point
            if array.ndim not in (1, 2) or len(array) != count.get(field.domain, len(array)):
                raise damaged(self._path, f"the field {field.name} of {record.name} has not one value an element")
            values[field.key] = fields.Field(field.name, array, field.domain, field.unit, field.signed, field.meta)
        rest: dict[str, Any] = {
            "fields": values, "name": record.name, "unit": record.unit, "notes": record.notes, "shift": record.shift,
            "unit_assumed": record.unit_assumed,
        }  # fmt: skip
        if record.kind == "mesh":
            if record.tets:
                rest["inner"], rest["tets"] = self._array(record.inner, "f", 3), self._array(record.tets, "i", 4)
            return Mesh(positions, triangles, **rest)
        return Points(positions, self._array(record.normals, "f", 3) if record.normals else None, **rest)

    def _stroke(self, record: StrokeRecord) -> PaintFreeze:
        centres = self._array(record.centres, "f", 3)
        values = {"centres": centres.tolist(), "radius": record.radius, "frozen": record.frozen}
        return PaintFreeze.parse(values, owner="stroke")

    def _selection(self, record: SelectionRecord) -> Selection:
        points = self._array(record.points, "f", 3) if record.points else None
        return Selection(record.name, record.of, self._array(record.values, "f", None), points)

    def _array(self, name: str, kind: str | None, columns: int | None, *, finite: bool = True) -> np.ndarray:
        """An array; of this kind of numbers and of shape (n, columns), where those are given."""
        if name not in self._table:
            raise damaged(self._path, f"an array {name[:40]!r} is missing")
        declared = ArrayRecord.model_validate(self._table[name])
        shape = tuple(declared.shape)
        if any(length < 0 for length in shape):
            raise damaged(self._path, f"the shape of {name} is {shape}")
        if (kind and declared.dtype[1] != kind) or (columns is not None and shape[1:] != (columns,)):
            raise damaged(self._path, f"{name} is {declared.dtype} of shape {shape}, which cannot serve here")
        if name not in self._arrays:
            self._arrays[name] = self._read(name, declared.dtype, shape)
        array = self._arrays[name]
        if finite:
            require_finite(self._path, array_member(name), array)
        return array

    def _require_sense(self, project: Project) -> None:
        """What the parts of a Project say of each other."""
        names = [item.name for item in project.objects]
        if len(set(names)) != len(names) or RESULT in names or "" in names:
            raise damaged(self._path, "two of its objects have the same name")
        roles = [project.roles, *(other.roles for other in project.resting.values())]
        if not {value for each in roles for value in each.values()} <= set(names):
            raise damaged(self._path, "an object that plays a role is missing")
        if len({item.name for item in project.selections}) != len(project.selections):
            raise damaged(self._path, "two of its selections have the same name")
        for selection in project.selections:
            item = project.object(selection.of)
            if selection.points is None and (item is None or element_count(item.geometry) != len(selection.values)):
                raise damaged(self._path, f"the selection {selection.name!r} fits no object")


def element_count(geometry: Mesh | Points) -> int:
    """Vertices of a mesh, or points of a scan."""
    return geometry.vertex_count if isinstance(geometry, Mesh) else geometry.point_count
