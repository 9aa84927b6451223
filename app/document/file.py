"""The document's file, `NAME.formwright`: one zip of JSON, `.npy` and the files of the Run's History.

`document.json`
    "format", "readable_by" and "formwright" (the version that wrote it), "saved" (seconds since 1970), "name";
    "project" (`app.document.records`), "arrays" (type and shape of each), "camera", "layout" (base64 of what the window
    understands), "run": what is to be said of the Run, with the folder of its files, or null, and "run_inputs".
`preview.png`
    what it looks like.
`arrays/HASH.npy`
    each array once, by its content.
`runs/1/…`
    the Run's folder as `engine.protocol.run_folder` describes it.

Members are stored as they are, which opens a hundred megabytes in a moment, and is why nothing in the file can claim
to be larger than the file. It is written whole or not at all.
"""

from __future__ import annotations

import base64
import binascii
import importlib.metadata
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from pydantic import ValidationError

from app.document.archive import Archive, ArchiveWriter, array_member, damaged, is_safe
from app.document.migrations import FORMAT, READABLE_BY, migrated
from app.document.project import Project
from app.document.records import ArrayNames, Decoder, Encoder, Record
from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.run_folder import read_manifest as read_run_manifest

SUFFIX = ".formwright"
MANIFEST = "document.json"
PREVIEW = "preview.png"
RUN_PREFIX = "runs/1/"

LARGEST_MANIFEST = 2**26
LARGEST_PREVIEW = 2**23
LARGEST_LAYOUT = 2**20

Report = Callable[[float], None]


class RunNote(Record):
    """What is said of a Run whose files are kept.

    folder : where they are, from the document's own place; earlier : where they are while the folder holds nothing yet
    branches : those that have Checkpoints, sorted
    """

    folder: str = ""
    earlier: str = ""
    iteration: int = 0
    iterations: int = 0
    checkpoints: int = 0
    branches: tuple[str, ...] = ()
    state: str = ""


class CameraRecord(Record):
    """Where one looks from (`app.viewport.records.CameraView`) [mm, world]."""

    position: tuple[float, float, float]
    focal_point: tuple[float, float, float]
    up: tuple[float, float, float]
    parallel: bool = False
    scale: float = 1.0
    pivot: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Content:
    """All that a document keeps, but for the files of its Run.

    camera : a `CameraRecord`, None where nobody has looked yet
    layout : bytes that only the window understands
    preview : a PNG, or b""
    name : what it is called; saved : seconds since 1970
    run_inputs : what the Run was begun with, by role: what is open may have moved or gone since
    """

    project: Project = field(default_factory=Project)
    camera: CameraRecord | None = None
    layout: bytes = b""
    preview: bytes = b""
    name: str = ""
    saved: float = 0.0
    run: RunNote | None = None
    run_inputs: Mapping[str, Mesh | Points] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """A document that was read.

    read_only : a newer program wrote it: what this one does not know would be lost in saving it
    written_by : version of the program that wrote it
    lost : files of its Run that are not what was written, and were left out
    """

    content: Content
    read_only: bool = False
    written_by: str = ""
    lost: tuple[str, ...] = ()


def save_document(
    path: Path,
    content: Content,
    *,
    run_folder: Path | None = None,
    names: ArrayNames | None = None,
    report: Report = lambda fraction: None,
) -> None:
    """Write a document; on any failure what stood at `path` is untouched. Raises `FileError`.

    run_folder : the files of the Run that `content.run` speaks of; nobody may change them meanwhile
    report : told the fraction written; what it raises ends the writing
    """
    encoder = Encoder(names)
    try:
        files = run_files(run_folder) if run_folder is not None else []
        run = content.run.model_copy(update={"folder": RUN_PREFIX}) if content.run is not None and files else None
        manifest = manifest_text(replace(content, run=run), encoder)
    except ValueError as error:
        raise FileError(path, f"it cannot be kept in a document: {error}.") from error
    except OSError as error:
        raise FileError(path, f"the files of its run cannot be read ({error.strerror or error}).") from error
    total = sum(array.nbytes for array in encoder.arrays.values()) + sum(file.stat().st_size for file in files) or 1
    done = 0
    with atomic_write(path) as temporary, temporary.open("wb") as stream, ArchiveWriter(stream) as writer:
        writer.text(MANIFEST, manifest)
        if content.preview:
            writer.text(PREVIEW, content.preview)
        for name, array in encoder.arrays.items():
            writer.array(array_member(name), array)
            done += array.nbytes
            report(done / total)
        for file in files:
            writer.copy(RUN_PREFIX + file.name, file)
            done += file.stat().st_size
            report(min(done / total, 1.0))


def open_document(path: Path, *, run_folder: Path | None = None, report: Report = lambda fraction: None) -> Opened:
    """Read a document; raises `FileError` for anything else.

    run_folder : where the files of its Run go; None leaves them where they are. What of them is damaged costs nothing
        else
    """
    with Archive(path) as archive:
        manifest, read_only = read_manifest(path, archive.read(MANIFEST, most=LARGEST_MANIFEST))

        def read(name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
            return archive.read_array(array_member(name), dtype, shape)

        content = content_of(path, manifest, read)
        if PREVIEW in archive.names:
            preview = archive.read(PREVIEW, most=LARGEST_PREVIEW)
            content = replace(content, preview=preview)
        lost: list[str] = []
        if run_folder is not None and content.run is not None:
            lost = archive.extract(RUN_PREFIX, run_folder, report)
    return Opened(content, read_only, str(manifest.get("formwright", "")), tuple(lost))


def is_document(path: Path) -> bool:
    """Whether its name says that it is a document."""
    return path.suffix.lower() == SUFFIX


def manifest_text(content: Content, encoder: Encoder) -> str:
    """`document.json`; what it refers to is in `encoder.arrays` then. Raises `ValueError`."""
    project = encoder.project(content.project)
    values = {
        "format": FORMAT,
        "readable_by": READABLE_BY,
        "formwright": importlib.metadata.version("formwright"),
        "saved": content.saved,
        "name": content.name,
        "project": project,
        "camera": content.camera.model_dump() if content.camera is not None else None,
        "layout": base64.b64encode(content.layout).decode("ascii"),
        "run": content.run.model_dump() if content.run is not None else None,
        "run_inputs": encoder.geometries(content.run_inputs),
        "arrays": encoder.table(),
    }
    try:
        return json.dumps(values, ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from None


def read_manifest(path: Path, text: bytes) -> tuple[dict[str, Any], bool]:
    """`document.json` in the present format, and whether it may only be looked at; raises `FileError`."""

    def refuse(constant: str) -> NoReturn:
        raise damaged(path, f"{MANIFEST} holds {constant}, which is not a number")

    def finite(number: str) -> float:
        value = float(number)
        return value if math.isfinite(value) else refuse(number[:40])

    try:
        values = json.loads(text.decode("utf-8"), parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError):
        raise damaged(path, f"{MANIFEST} is no JSON") from None
    if not isinstance(values, dict):
        raise damaged(path, f"{MANIFEST} is no JSON object")
    return migrated(values, path)


def content_of(path: Path, manifest: dict[str, Any], read: Callable[..., np.ndarray]) -> Content:
    """What `document.json` and the arrays that `read` finds say; raises `FileError`."""
    decoder = Decoder(path, manifest.get("arrays"), read)
    project = decoder.project(manifest.get("project"))
    try:
        camera = manifest.get("camera")
        run = manifest.get("run")
        content = Content(
            project=project,
            camera=CameraRecord.model_validate(camera) if camera is not None else None,
            layout=base64.b64decode(str(manifest.get("layout", ""))[:LARGEST_LAYOUT], validate=True),
            name=str(manifest.get("name", "")),
            saved=float(manifest.get("saved", 0.0)),
            run=RunNote.model_validate(run) if run is not None else None,
            run_inputs=decoder.geometries(manifest.get("run_inputs", {})),
        )
    except (ValidationError, binascii.Error, ValueError, TypeError) as error:
        raise damaged(path, "camera, layout or run are not as they should be") from error
    for folder in (content.run.folder, content.run.earlier) if content.run is not None else ():
        if folder and not is_safe(folder.rstrip("/")):
            raise damaged(path, "the folder of its run lies outside of it")
    return content


def run_files(folder: Path) -> list[Path]:
    """The files of a Run folder that are kept: none that a writer was at when it was killed."""
    return sorted(path for path in folder.iterdir() if path.is_file() and is_safe(path.name))


def run_note(folder: Path) -> RunNote | None:
    """What is to be said of the Run in a folder; None where there is none, or not a whole one."""
    try:
        manifest = read_run_manifest(folder)
        checkpoints = manifest["checkpoints"]
        return RunNote(
            iteration=manifest["iteration"],
            iterations=manifest["iterations"],
            checkpoints=len(checkpoints),
            branches=tuple(sorted({str(entry["branch"]) for entry in checkpoints})),
            state=manifest["status"],
        )
    except (FileError, ValidationError, KeyError, TypeError):
        return None
