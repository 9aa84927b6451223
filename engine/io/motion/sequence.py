"""A file for each frame, numbered from 0: PLY with values on the vertices, OBJ without. Blender and Houdini play them.

All bodies are one mesh a frame; its triangles are the same in all of them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from engine.core.errors import FileError
from engine.io.format import Progress
from engine.io.motion.motion import Motion
from engine.io.motion.registry import MotionFormat
from engine.io.registry import write as write_mesh

DIGITS = 6


def frame_path(path: Path, number: int) -> Path:
    """Where frame `number` of the sequence `path` lies: `fold.ply` -> `fold-000012.ply`."""
    return path.with_name(f"{path.stem}-{number:0{DIGITS}d}{path.suffix}")


def write(motion: Motion, path: Path, unit: str, progress: Progress) -> tuple[Path, ...]:
    if not path.parent.is_dir():
        raise FileError(path, "its folder does not exist.", remedy="Make the folder first, or choose another.")
    try:
        beside = Path(tempfile.mkdtemp(prefix=".formwright-", dir=path.parent))
    except OSError as error:
        raise FileError(path, f"it cannot be written ({error.strerror}).", remedy="Choose another folder.") from error
    try:
        files = [frame_path(path, index) for index in range(len(motion))]
        for index, file in enumerate(files):
            write_mesh(motion.mesh(index), beside / file.name, unit=unit)
            progress((index + 1) / len(motion))
        for file in files:
            (beside / file.name).replace(file)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return tuple(files)


FORMATS = (
    MotionFormat("ply", ".ply", write, numbered=True),
    MotionFormat("obj", ".obj", write, numbered=True),
)
