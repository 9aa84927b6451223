"""Run folders: a Run on disk, with everything that is needed to come back to it.

The engine keeps one folder a Run while it goes on, a document has the same files inside, and a Session continues from
either (`Session.start(resume=folder)`). Its files:

`run.json`
    names all others that count, and is replaced as a whole after they are there: whoever reads sees the Run as it was
    when it was written last, whatever happened to its writer. UTF-8 JSON, an object of

    - "format": 1, raised when an older program could not read it; "formwright": the version that wrote it;
    - "saved": seconds since 1970; "run": the number that the Run had; "study": the Study as it was started;
    - "state": the file of the latest state; "iteration", "iterations", "branch", "status": of that state;
    - "position": "steps" (iterations tried on all branches), "checkpoint" (the latest above the state), "captured_at",
      "failures", "failed_at": what the descent remembers besides its state;
    - "edits": how many lines of `edits.jsonl` had acted on that state, beside the header;
    - "next": number of the next Checkpoint;
    - "branches": objects of "name" and "fork" (the Checkpoint where it began, or null), oldest first;
    - "checkpoints": objects of "id", "parent", "branch", "iteration", "losses", "label", "memory", "edits", "verified".
`state-N.zip`
    the latest state, and the losses of all branches (layout: `engine.optimization.checkpoint_io`: JSON and `.npy`).
`edits.jsonl`
    every Edit that acted, as it acts (see `engine.protocol.recording`). May hold lines that the state does not know
    yet, and may end within a line where its writer was killed.
`checkpoint-NNNNN.zip`, `thumbnail-NNNNN.npy`
    each Checkpoint, and its picture (height, width, 3) uint8, which it may lack. Never changed once written, so that
    they can be linked into another folder.
`array-NAME.npy`
    arrays that several of those share, named by a hash of their content. Never changed either.

Anything else in the folder counts for nothing. The inputs (the target) are not in it: the Study names their files.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError, ParameterError
from engine.protocol.study import Study

FORMAT = 1
"""Version of the layout: raised when an older program could not read it."""

MANIFEST = "run.json"
EDITS = "edits.jsonl"

LARGEST = 2**28
"""Bytes of a manifest: a larger one is none."""


@dataclass(frozen=True)
class RunSummary:
    """What a Run folder holds, for a list to choose from.

    saved : seconds since 1970
    thumbnail : of the latest Checkpoint that has one, (height, width, 3) uint8
    """

    folder: Path
    study: Study
    iteration: int
    iterations: int
    status: str
    saved: float
    branches: tuple[str, ...]
    checkpoint_count: int
    thumbnail: np.ndarray | None = None


def run_folder(parent: Path, run: int) -> Path:
    """Where the engine keeps Run number `run`."""
    return parent / f"run-{run}"


def run_number(folder: Path) -> int | None:
    """Of the Run that the engine keeps there; None for a folder with another name."""
    stem, _, number = folder.name.partition("-")
    return int(number) if stem == "run" and number.isdecimal() else None


def saved_runs(parent: Path) -> list[Path]:
    """The folders in which the engine has saved Runs, the oldest first."""
    found = [path for path in parent.glob("run-*") if run_number(path) is not None and is_run_folder(path)]
    return sorted(found, key=lambda path: run_number(path) or 0)


def is_run_folder(path: Path) -> bool:
    """Whether a Run has been saved there."""
    return (path / MANIFEST).is_file()


def read_summary(folder: Path) -> RunSummary:
    """Look at a Run folder without its states; raises `FileError` where it is none, or a newer version wrote it."""
    manifest = read_manifest(folder)
    try:
        summary = RunSummary(
            folder,
            Study.parse(manifest["study"], owner="study"),
            int(manifest["iteration"]),
            int(manifest["iterations"]),
            str(manifest["status"]),
            float(manifest["saved"]),
            tuple(str(branch["name"]) for branch in manifest["branches"]),
            len(manifest["checkpoints"]),
            _last_thumbnail(folder, [int(entry["id"]) for entry in manifest["checkpoints"]]),
        )
    except (KeyError, TypeError, ValueError, ParameterError) as error:
        raise damaged(folder, f"{MANIFEST} lacks {error}") from error
    if not math.isfinite(summary.saved):
        raise damaged(folder, "the time of saving is no number")
    return summary


def read_manifest(folder: Path) -> dict[str, Any]:
    """`run.json`, of this version; raises `FileError`."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST:
            raise damaged(folder, f"{MANIFEST} is too large")
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise FileError(folder, f"no Run is kept here ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise damaged(folder, f"{MANIFEST} is no JSON") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise damaged(folder, f"{MANIFEST} says no format")
    if manifest["format"] > FORMAT:
        raise FileError(
            folder,
            f"this Run was saved by a newer version ({manifest.get('formwright', 'unknown')}).",
            remedy="Open it with that version.",
        )
    return manifest


def damaged(folder: Path, what: str) -> FileError:
    """The error for a Run folder that is not as it was written."""
    return FileError(folder, f"the saved Run is damaged: {what}.", remedy="Take another copy of it, or start again.")


def thumbnail_path(folder: Path, checkpoint: int) -> Path:
    """The picture of a Checkpoint."""
    return folder / f"thumbnail-{checkpoint:05d}.npy"


def read_thumbnail(path: Path) -> np.ndarray:
    """A picture (height, width, 3) uint8; raises `FileError`."""
    try:
        with path.open("rb") as stream:
            picture: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise FileError(path, "the picture of a Checkpoint is lost or damaged.") from error
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise FileError(path, f"a picture of shape {picture.shape} and type {picture.dtype} is none of a Checkpoint.")
    return picture


def _last_thumbnail(folder: Path, checkpoints: list[int]) -> np.ndarray | None:
    for checkpoint in reversed(checkpoints):
        path = thumbnail_path(folder, checkpoint)
        with contextlib.suppress(FileError):  # there are others
            if path.exists():
                return read_thumbnail(path)
    return None
