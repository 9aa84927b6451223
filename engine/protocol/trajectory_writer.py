"""Writes a Trajectory (layout: `engine.protocol.trajectory`), frame by frame, under a budget.

Every frame is on disk when `add` returns, for whoever reads it then and after a crash. When frames would take more than
the budget, every second one goes, and of those that follow every second one is kept: a long simulation is never cut
short, only coarser. While they go there is half as much again on disk for a moment.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, ParameterError
from engine.protocol.trajectory import INDEX, Follows, Index, Layout, checksum
from engine.protocol.trajectory_bodies import BODIES, TRIANGLES, TrajectoryBody, bodies_json

BUDGET = 2**32
"""Bytes on disk where nothing else is said."""

FEWEST = 8
"""Frames for which a budget must have room."""


class TrajectoryWriter:
    """Begins a new Trajectory in `folder`.

    layout : of its frames
    bodies : whose vertices these are
    budget : bytes of its own frames
    follows : the Trajectory whose frames come before, and the last step that is taken from it

    Raises `FileError` where the folder has one already, and `ParameterError` where the budget is too small.
    """

    def __init__(
        self,
        folder: str | Path,
        layout: Layout,
        bodies: Sequence[TrajectoryBody] = (),
        *,
        budget: int = BUDGET,
        follows: tuple[Path, int] | None = None,
    ) -> None:
        self.folder = Path(folder)
        least = FEWEST * layout.dtype.itemsize
        if budget < least:
            raise ParameterError("budget", f"must be at least {least} bytes for these frames.")
        if (self.folder / INDEX).exists():
            raise FileError(self.folder, "there is a trajectory already.", remedy="Choose another folder.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(self.folder, f"the folder cannot be made ({error.strerror or error}).") from error
        before = None
        if follows is not None:
            before = Follows(os.path.relpath(follows[0].resolve(), self.folder.resolve()), follows[1])
        self.last_step: int | None = None if follows is None else follows[1]
        self._index = Index(layout, "frames-0.bin", follows=before)
        self._budget = budget
        self._given = 0
        self._kept = 0
        described, triangles = bodies_json(bodies)
        with atomic_write(self.folder / TRIANGLES) as temporary, temporary.open("wb") as stream:
            np.save(stream, triangles, allow_pickle=False)
        self._write_text(BODIES, described)
        self._file = self._create(self._index.file)
        self._write_text(INDEX, self._index.to_json())

    def __len__(self) -> int:
        """Own frames that are kept."""
        return self._kept

    @property
    def layout(self) -> Layout:
        return self._index.layout

    @property
    def size(self) -> int:
        """Bytes of own frames."""
        return self._kept * self.layout.dtype.itemsize

    def add(
        self,
        step: int,
        time: float,
        positions: np.ndarray,
        energies: Mapping[str, float],
        *,
        scalars: Mapping[str, float] | None = None,
        fields: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """The frame after `step` steps, at `time` [s]: positions [m], shape (vertex_count, 3), every energy [J],
        scalars by name (NaN where one is missing), every field, shape (vertex_count,).

        Raises `ParameterError` for other shapes or names and for a step that is not after the last, and `FileError`.
        """
        layout = self.layout
        if self.last_step is not None and step <= self.last_step:
            raise ParameterError("step", f"must be after {self.last_step}, the last one (got {step}).")
        given = np.asarray(positions)
        if given.shape != (layout.vertex_count, 3):
            raise ParameterError("positions", f"must have the shape ({layout.vertex_count}, 3).")
        row = np.zeros((), layout.dtype)
        row["step"], row["time"], row["positions"] = step, time, given
        scalars, fields = scalars or {}, fields or {}
        _refuse_unknown("energies", energies, layout.energies)
        _refuse_unknown("scalars", scalars, layout.scalars)
        _refuse_unknown("fields", fields, layout.fields)
        missing = [name for name in (*layout.energies, *layout.fields) if name not in energies and name not in fields]
        if missing:
            raise ParameterError(missing[0], "the frame has no value for it.")
        row["energies"] = [energies[name] for name in layout.energies]
        row["scalars"] = [scalars.get(name, np.nan) for name in layout.scalars]
        for place, name in enumerate(layout.fields):
            values = np.asarray(fields[name], np.float32)
            if values.shape != (layout.vertex_count,):
                raise ParameterError(name, f"must be one number for each of {layout.vertex_count} vertices.")
            row["fields"][place] = values
        row["checksum"] = checksum(row)
        self.last_step = step
        number, self._given = self._given, self._given + 1
        if number % self._index.stride:
            return
        if self.size + row.nbytes > self._budget:
            self._thin()
            if number % self._index.stride:
                return
        with _told(self.folder / self._index.file):
            _append(self._file, row.tobytes())
        self._kept += 1

    def close(self) -> None:
        """Nothing more comes; idempotent."""
        self._file.close()

    def _thin(self) -> None:
        """Keep every second frame, in another file; the old one goes when the index names the new one."""
        old = self.folder / self._index.file
        generation = int(self._index.file.removeprefix("frames-").removesuffix(".bin")) + 1
        index = replace(self._index, file=f"frames-{generation}.bin", stride=2 * self._index.stride)
        size = self.layout.dtype.itemsize
        file = self._create(index.file)
        with _told(old), old.open("rb") as source:
            for number in range(0, self._kept, 2):
                source.seek(number * size)
                file.write(source.read(size))
            file.flush()
        self._write_text(INDEX, index.to_json())
        self._file.close()
        self._index, self._file, self._kept = index, file, (self._kept + 1) // 2
        with contextlib.suppress(OSError):  # a reader may hold it, where that forbids it
            old.unlink()

    def _create(self, name: str) -> BinaryIO:
        with _told(self.folder / name):
            return (self.folder / name).open("wb", buffering=0)

    def _write_text(self, name: str, text: str) -> None:
        with atomic_write(self.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _append(file: BinaryIO, content: bytes) -> None:
    """All of it, or nothing: frames stand at multiples of their size."""
    before = file.tell()
    try:
        written = 0
        while written < len(content):
            written += file.write(content[written:])
    except OSError:
        file.truncate(before)
        file.seek(before)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            path, f"frames cannot be written ({error.strerror or error}).", remedy="Free some space on the disk."
        ) from error


def _refuse_unknown(what: str, values: Mapping[str, object], known: Sequence[str]) -> None:
    for name in values:
        if name not in known:
            raise ParameterError(name, f"is not among the {what} that this trajectory was begun with.")
