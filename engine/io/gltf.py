"""glTF 2.0, as `.glb` or `.gltf`: metres, Y up. Turned to Z up on the way in and back on the way out.

Read through trimesh. Written here, in two arrays: a window writes in its own process, where trimesh (a second to
import) has no place; trimesh (5.2) writes neither metres nor Y up by itself either.
Source: Khronos, glTF 2.0 specification, section 3.7 (meshes).
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.format import Format, Progress, Raw
from engine.io.glb import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Glb, y_up


def read(path: Path, progress: Progress) -> Raw:
    """All triangles of the scene, in the scene's frame, as one mesh."""
    import trimesh

    content = path.read_bytes()
    binary = content[:4] == b"glTF"
    if not binary and path.suffix.lower() == ".glb":
        raise FileError(
            path, "it does not begin as a GLB does. It is damaged, or another format.", remedy="Export it again."
        )
    try:
        if binary:
            scene = trimesh.load_scene(io.BytesIO(_whole(path, content)), file_type="glb", process=False)
        else:
            scene = trimesh.load_scene(path, file_type="gltf", process=False)
    except FileNotFoundError as error:
        raise FileError(
            path, "a file that belongs to it is missing beside it.", remedy="Copy it too, or export it as one .glb."
        ) from error
    progress(0.8)
    solids = [item for item in scene.dump(concatenate=False) if isinstance(item, trimesh.Trimesh)]
    if not solids:
        raise FileError(path, "it holds no triangles.", remedy="Export the part again, as a mesh.")
    starts = np.cumsum([0, *(len(item.vertices) for item in solids)])
    positions = np.concatenate([np.asarray(item.vertices, np.float64) for item in solids])
    triangles = np.concatenate(
        [np.asarray(item.faces, np.int64) + start for item, start in zip(solids, starts, strict=False)]
    )
    raw = Raw(np.stack([positions[:, 0], -positions[:, 2], positions[:, 1]], axis=1), triangles)
    if len(solids) > 1:
        raw.notes.append(f"{len(solids)} objects were joined into one mesh.")
    return raw


def _whole(path: Path, content: bytes) -> bytes:
    """The file up to the end that its header says, its chunks whole: trimesh (5.2) believes a chunk's length."""
    end = int.from_bytes(content[8:12], "little")
    place = 12
    while place < end <= len(content):
        place += 8 + int.from_bytes(content[place : place + 4], "little")
    if place != end:
        raise FileError(
            path,
            "its pieces are longer or shorter than it says.",
            remedy="The file is truncated; copy or export it again.",
        )
    return content[:end]


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    assert isinstance(geometry, Mesh)
    content = Glb()
    corners = geometry.triangles.reshape(-1)
    attributes = {"POSITION": content.add(y_up(geometry.vertices), target=ARRAY_BUFFER, bounds=True)}
    primitive = {"attributes": attributes, "indices": content.add(corners, target=ELEMENT_ARRAY_BUFFER)}
    content.write(
        path,
        {
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0, "name": geometry.name}],
            "meshes": [{"name": geometry.name, "primitives": [primitive]}],
        },
    )


FORMAT = Format(
    name="gltf",
    title="glTF",
    extensions=(".glb", ".gltf"),
    reads=("mesh",),
    read=read,
    writes=("mesh",),
    write=write,
    write_extensions=(".glb",),
    unit="m",
    float32=True,
)
