"""A Trajectory: the frames of a simulation, in a folder on disk, read by number while they are still being written.

The folder holds

`trajectory.json`
    what a frame is (`Layout`), which file the frames are in, of how many steps one is kept (`stride`), and what the
    trajectory `follows`: frames up to a step that are those of another folder. So a branch costs only its own frames.
`frames-N.bin`
    frames of equal size, one behind the other, only ever appended to. What a crash leaves of the last one is not
    counted; each has a checksum.
`bodies.json`, `triangles.npy`
    whose vertices are whose, and the surfaces; lengths are metres.

`engine.protocol.trajectory_writer` writes it. Nothing here needs the engine: the window reads it.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.core.errors import FileError, ParameterError
from engine.protocol.trajectory_bodies import TrajectoryBody, read_bodies

FORMAT = 2
INDEX = "trajectory.json"
LONGEST_CHAIN = 10_000
"""Trajectories that may follow one another: more is a circle."""

Precision = Literal["single", "double"]


@dataclass(frozen=True)
class Layout:
    """What a frame holds.

    vertex_count : of all bodies
    energies, scalars : names of what is one number a frame: energies [J], and whatever else
    fields : names of what is one float32 a vertex
    precision : of positions
    """

    vertex_count: int
    energies: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    precision: Precision = "double"

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """One frame on disk, little-endian."""
        count = self.vertex_count
        return np.dtype(
            [
                ("checksum", "<u4"),
                ("step", "<i8"),
                ("time", "<f8"),
                ("energies", "<f8", (len(self.energies),)),
                ("scalars", "<f8", (len(self.scalars),)),
                ("positions", "<f4" if self.precision == "single" else "<f8", (count, 3)),
                ("fields", "<f4", (len(self.fields), count)),
            ]
        )


@dataclass(frozen=True)
class Frame:
    """step : of the simulation, 0 at its start
    time : [s]
    positions : [m], float32 or float64 as they were kept, shape (vertex_count, 3)
    energies : by name [J]
    scalars : by name; NaN where a frame has none
    fields : by name, float32, shape (vertex_count,)
    """

    step: int
    time: float
    positions: np.ndarray
    energies: dict[str, float]
    scalars: dict[str, float] = field(default_factory=dict)
    fields: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Follows:
    """folder : the trajectory whose frames come first, relative to this one's folder
    until : the last step that is taken from it
    """

    folder: str
    until: int


@dataclass(frozen=True)
class Index:
    """What `trajectory.json` says."""

    layout: Layout
    file: str
    stride: int = 1
    follows: Follows | None = None

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)})

    @staticmethod
    def read(folder: Path) -> Index:
        """Raises `FileError` for what is no trajectory."""
        try:
            values = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise FileError(folder / INDEX, f"its format is {values['format']}; this version reads {FORMAT}.")
            layout, follows = dict(values["layout"]), values["follows"]
            names = {name: tuple(map(str, layout[name])) for name in ("energies", "scalars", "fields")}
            if layout["precision"] not in ("single", "double") or int(values["stride"]) < 1:
                raise ValueError
            return Index(
                Layout(int(layout["vertex_count"]), precision=layout["precision"], **names),
                Path(str(values["file"])).name,
                int(values["stride"]),
                None if follows is None else Follows(str(follows["folder"]), int(follows["until"])),
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _GoneError(folder, "there is no trajectory in this folder.") from error
        except OSError as error:
            raise FileError(folder, f"the trajectory cannot be read ({error.strerror or error}).") from error
        except (ValueError, TypeError, KeyError) as error:
            raise FileError(folder / INDEX, "this is no index of a trajectory.") from error


class _GoneError(FileError):
    """The trajectory is not there any more: whoever kept it has removed it."""


class _Part:
    """The frames of one folder, up to the step `until`."""

    def __init__(self, folder: Path, index: Index, until: int | None) -> None:
        self.folder = folder
        self.index = index
        self._until = until
        self.rows = self._mapped()

    def refresh(self) -> None:
        """See what has been written since."""
        index = Index.read(self.folder)
        if index != self.index or self._has_grown():
            before, self.index = self.index, index
            try:
                self.rows = self._mapped()
            except FileError:
                self.index = before
                raise

    def _mapped(self) -> np.ndarray:
        try:
            count = self._count_on_disk()
            if not count:
                return np.zeros(0, self.index.layout.dtype)
            rows: np.ndarray = np.memmap(self._path, self.index.layout.dtype, mode="r", shape=(count,))
        except FileNotFoundError:
            # It was made coarser since the index was read: that names another file now.
            index = Index.read(self.folder)
            if index == self.index:
                raise _GoneError(self._path, "the frames of this trajectory are missing.") from None
            self.index = index
            return self._mapped()
        except OSError as error:
            raise FileError(self._path, f"the frames cannot be read ({error.strerror or error}).") from error
        if self._until is not None:
            rows = rows[: np.searchsorted(rows["step"], self._until, side="right")]
        return rows

    def _has_grown(self) -> bool:
        try:
            return len(self.rows) < self._count_on_disk()
        except FileNotFoundError:  # made coarser since the index was read
            return True

    def _count_on_disk(self) -> int:
        return self._path.stat().st_size // self.index.layout.dtype.itemsize

    @property
    def _path(self) -> Path:
        return self.folder / self.index.file

    def frame(self, number: int) -> Frame:
        row = np.array(self.rows[number])
        if int(row["checksum"]) != checksum(row):
            raise FileError(self._path, f"frame {number} is damaged.")
        layout = self.index.layout
        return Frame(
            int(row["step"]),
            float(row["time"]),
            np.array(row["positions"]),
            dict(zip(layout.energies, row["energies"].tolist(), strict=True)),
            dict(zip(layout.scalars, row["scalars"].tolist(), strict=True)),
            {name: np.array(values) for name, values in zip(layout.fields, row["fields"], strict=True)},
        )


class Trajectory:
    """Frames in the order of their steps, from a folder and from those that it follows."""

    def __init__(self, folder: Path, parts: list[_Part]) -> None:
        self.folder = folder
        self._parts = parts

    @staticmethod
    def open(folder: str | Path) -> Trajectory:
        """Raises `FileError` for what is no trajectory. Of what it follows, frames that are gone are left out."""
        path = Path(folder)
        parts = [_Part(path, Index.read(path), None)]
        until: int | None = None
        while (follows := parts[0].index.follows) is not None and len(parts) < LONGEST_CHAIN:
            path = (path / follows.folder).resolve()
            until = follows.until if until is None else min(until, follows.until)
            try:
                part = _Part(path, Index.read(path), until)
            except _GoneError:
                break
            if part.index.layout.vertex_count != parts[-1].index.layout.vertex_count:
                raise FileError(path / INDEX, "it is of other bodies than the trajectory that follows it.")
            parts.insert(0, part)
        return Trajectory(Path(folder), parts)

    def refresh(self) -> int:
        """See what has been written since; returns how many frames there are now. What has gone can still be read."""
        for part in self._parts:
            with contextlib.suppress(_GoneError):
                part.refresh()
        return len(self)

    @property
    def layout(self) -> Layout:
        """Of the latest frames; earlier ones may have other scalars and fields."""
        return self._parts[-1].index.layout

    @property
    def stride(self) -> int:
        """Of so many steps one is kept, of the latest frames."""
        return self._parts[-1].index.stride

    @property
    def size(self) -> int:
        """Bytes of all frames."""
        return sum(part.rows.nbytes for part in self._parts)

    def __len__(self) -> int:
        return sum(len(part.rows) for part in self._parts)

    def __getitem__(self, number: int) -> Frame:
        """A frame by its number, from the end where that is negative. Raises `IndexError` and `FileError`."""
        count = len(self)
        if not -count <= number < count:
            raise IndexError(f"There are {count} frames.")
        number %= count
        for part in self._parts:
            if number < len(part.rows):
                return part.frame(number)
            number -= len(part.rows)
        raise AssertionError

    def times(self) -> np.ndarray:
        """Of all frames [s], float64, shape (frame_count,)."""
        return np.concatenate([part.rows["time"] for part in self._parts])

    def steps(self) -> np.ndarray:
        """Of all frames, int64, shape (frame_count,)."""
        return np.concatenate([part.rows["step"] for part in self._parts])

    def series(self, name: str) -> np.ndarray:
        """An energy or a scalar over all frames, float64, shape (frame_count,); NaN where it was not recorded.

        Raises `ParameterError` where no frame has it.
        """
        columns = [_column(part, name) for part in self._parts]
        if all(column is None for column in columns):
            raise ParameterError(name, "the trajectory has no such series.")
        parts = zip(columns, self._parts, strict=True)
        return np.concatenate([np.full(len(p.rows), np.nan) if c is None else c for c, p in parts])

    @cached_property
    def bodies(self) -> tuple[TrajectoryBody, ...]:
        """Raises `FileError` where they are missing or damaged."""
        return read_bodies(self.folder, self.layout.vertex_count)


def checksum(row: np.ndarray) -> int:
    """Of all of a frame but its first four bytes."""
    return zlib.crc32(row.tobytes()[4:])


def _column(part: _Part, name: str) -> np.ndarray | None:
    layout = part.index.layout
    if name in layout.energies:
        return np.array(part.rows["energies"][:, layout.energies.index(name)])
    if name in layout.scalars:
        return np.array(part.rows["scalars"][:, layout.scalars.index(name)])
    return None
