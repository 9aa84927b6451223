"""3MF, the format of 3D printing: a zip archive with XML that declares its unit.

Read through trimesh. Written here, because trimesh (5.2) declares millimetres whatever the unit is, and a window
writes in its own process, where trimesh (a second to import) has no place.
Source: 3MF Consortium, 3MF Core Specification 1.3, sections 3.4 (model units) and 4.1 (meshes).
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.archive import check_unpacked
from engine.io.format import Format, Progress, Raw

_UNITS = {"um": "micron", "mm": "millimeter", "cm": "centimeter", "m": "meter", "in": "inch", "ft": "foot"}
_NAMES = {name: unit for unit, name in _UNITS.items()} | {"millimeters": "mm"}

_CONTENT_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Target="/3D/3dmodel.model" Id="model" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>
</Relationships>
"""
_MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<model unit="{unit}" xml:lang="en-US" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">
<metadata name="Application">Formwright</metadata>
<resources><object id="1" type="model" name={name}><mesh><vertices>
"""
_BETWEEN = "</vertices><triangles>\n"
_END = '</triangles></mesh></object></resources>\n<build><item objectid="1"/></build></model>\n'
_BLOCK = 65536


def read(path: Path, progress: Progress) -> Raw:
    """All objects of the build, placed as it says, as one mesh."""
    from trimesh.exchange.threemf import load_3MF

    if not zipfile.is_zipfile(path):
        raise FileError(path, "it is no 3MF archive, or was cut short.", remedy="Copy or export it again.")
    with zipfile.ZipFile(path) as archive:
        if not any("3d/3dmodel.model" in name.lower() for name in archive.namelist()):
            raise FileError(
                path, "this is a zip archive without a 3D model.", remedy="Unpack it, and open a file in it."
            )
        check_unpacked(path, archive)
    with path.open("rb") as stream:
        content = load_3MF(stream, postprocess=False)
    progress(0.7)
    declared = str(content["metadata"].get("units", "millimeter"))
    if declared not in _NAMES:
        raise FileError(path, f"it declares the unit {declared!r}, which 3MF does not know.", remedy="Export it again.")
    meshes = {name: (item["vertices"], item["faces"]) for name, item in content["geometry"].items()}
    positions, triangles, start = [], [], 0
    for item in content["graph"]:
        if item["geometry"] not in meshes:
            continue
        vertices, faces = meshes[item["geometry"]]
        matrix = np.asarray(item["matrix"], np.float64)
        with np.errstate(all="ignore"):  # what is no number is found later
            positions.append(vertices @ matrix[:3, :3].T + matrix[:3, 3])
        triangles.append(faces + start if np.linalg.det(matrix[:3, :3]) > 0 else faces[:, ::-1] + start)
        start += len(vertices)
    if not positions:
        raise FileError(path, "it holds no triangles.", remedy="Export the part again.")
    raw = Raw(np.concatenate(positions), np.concatenate(triangles).astype(np.int64), unit=_NAMES[declared])
    if len(positions) > 1:
        raw.notes.append(f"{len(positions)} objects were joined into one mesh.")
    return raw


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    assert isinstance(geometry, Mesh)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        archive.writestr("[Content_Types].xml", _CONTENT_TYPES)
        archive.writestr("_rels/.rels", _RELATIONS)
        with archive.open("3D/3dmodel.model", "w", force_zip64=True) as stream:
            stream.write(_MODEL.format(unit=_UNITS[unit], name=quoteattr(geometry.name)).encode("utf-8"))
            for start in range(0, geometry.vertex_count, _BLOCK):
                rows = geometry.vertices[start : start + _BLOCK].tolist()
                stream.write("".join(f'<vertex x="{x!r}" y="{y!r}" z="{z!r}"/>\n' for x, y, z in rows).encode("ascii"))
            stream.write(_BETWEEN.encode("ascii"))
            for start in range(0, geometry.triangle_count, _BLOCK):
                faces = geometry.triangles[start : start + _BLOCK].tolist()
                text = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>\n' for a, b, c in faces)
                stream.write(text.encode("ascii"))
            stream.write(_END.encode("ascii"))


FORMAT = Format(
    name="3mf",
    title="3MF",
    extensions=(".3mf",),
    reads=("mesh",),
    read=read,
    writes=("mesh",),
    write=write,
    declares_unit=True,
)
