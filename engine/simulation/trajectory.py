"""A Trajectory: the frames of a simulation, in a folder on disk under a budget, read back by number.

The folder holds `trajectory.json` and chunks of frames as `.npy` files. Every file is written whole or not at all, and
the JSON names the chunks that count: what a crash leaves behind can be opened, up to the last whole chunk. When frames
would take more than the budget, every second one goes, and of those that follow every second one is kept: a long
simulation is never cut short, only coarser. While they go there is half as much again on disk for a moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, ParameterError

FORMAT = 1
INDEX = "trajectory.json"
BUDGET = 2**32
"""Bytes on disk where nothing else is said."""


@dataclass(frozen=True)
class Frame:
    """time : [s]
    positions : [m], float64, shape (vertex_count, 3)
    energies : by name [J]
    """

    time: float
    positions: np.ndarray
    energies: dict[str, float]


@dataclass
class _Index:
    """What `trajectory.json` says. `stride`: of that many frames that are added, one is kept."""

    format: int
    vertex_count: int
    energies: list[str]
    chunk: int
    budget: int
    stride: int
    generation: int
    lengths: list[int]


class Trajectory:
    """Frames in `folder`; `record` makes a new one, `open` reads one."""

    def __init__(self, folder: Path, index: _Index) -> None:
        self.folder = folder
        self._index = index
        self._open: list[np.ndarray] = []
        self._given = sum(index.lengths) * index.stride
        self._cache: tuple[int, np.ndarray] | None = None

    @staticmethod
    def record(
        folder: str | Path, vertex_count: int, energies: Sequence[str], *, chunk: int = 32, budget: int = BUDGET
    ) -> Trajectory:
        """An empty one. Raises `FileError` where the folder has one already, and `ParameterError` where the budget is
        too small for two chunks."""
        path = Path(folder)
        frame = 8 * (1 + len(energies) + 3 * vertex_count)
        if chunk < 1 or budget < 2 * chunk * frame:
            raise ParameterError("budget", f"must be at least {2 * max(chunk, 1) * frame} bytes for these frames.")
        if (path / INDEX).exists():
            raise FileError(path, "there is a trajectory already.", remedy="Choose another folder.")
        path.mkdir(parents=True, exist_ok=True)
        trajectory = Trajectory(path, _Index(FORMAT, vertex_count, list(energies), chunk, budget, 1, 0, []))
        trajectory._write_index()
        return trajectory

    @staticmethod
    def open(folder: str | Path) -> Trajectory:
        """Raises `FileError` for what is no trajectory."""
        path = Path(folder)
        try:
            index = _Index(**json.loads((path / INDEX).read_text(encoding="utf-8")))
        except OSError as error:
            raise FileError(path, "there is no trajectory in this folder.") from error
        except (ValueError, TypeError) as error:
            raise FileError(path / INDEX, "this is no index of a trajectory.") from error
        if index.format != FORMAT:
            raise FileError(path / INDEX, f"its format is {index.format}; this version reads {FORMAT}.")
        return Trajectory(path, index)

    def __len__(self) -> int:
        return sum(self._index.lengths) + len(self._open)

    @property
    def stride(self) -> int:
        """Of that many frames that were added, one is kept."""
        return self._index.stride

    @property
    def size(self) -> int:
        """Bytes of all frames that are kept."""
        return len(self) * self._frame_size

    def add(self, time: float, positions: np.ndarray, energies: Mapping[str, float]) -> None:
        """The next frame: positions [m], shape (vertex_count, 3), and every energy by name [J]."""
        given = np.asarray(positions, np.float64)
        if given.shape != (self._index.vertex_count, 3):
            raise ParameterError("positions", f"must have the shape ({self._index.vertex_count}, 3).")
        number, self._given = self._given, self._given + 1
        if number % self._index.stride:
            return
        values = [energies[name] for name in self._index.energies]
        self._open.append(np.concatenate([[time], values, given.reshape(-1)]))
        if len(self._open) >= self._index.chunk:
            self.flush()
            if self.size + self._index.chunk * self._frame_size > self._index.budget:
                self._thin()

    def flush(self) -> None:
        """Write what is in memory; the trajectory stays open."""
        if not self._open:
            return
        lengths = self._index.lengths
        # A chunk that was flushed before it was full is filled up: frames of all chunks but the last are as many.
        if lengths and lengths[-1] < self._index.chunk:
            self._open = [*self._chunk(len(lengths) - 1), *self._open]
            lengths.pop()
        while self._open:
            part, self._open = self._open[: self._index.chunk], self._open[self._index.chunk :]
            self._write_chunk(len(lengths), np.stack(part))
            lengths.append(len(part))
        self._cache = None
        self._write_index()

    def __getitem__(self, number: int) -> Frame:
        """A frame by its number, from the end where that is negative. Raises `IndexError` and `FileError`."""
        count = len(self)
        if not -count <= number < count:
            raise IndexError(f"There are {count} frames.")
        number %= count
        stored = sum(self._index.lengths)
        if number >= stored:
            row = self._open[number - stored]
        else:
            row = self._chunk(number // self._index.chunk)[number % self._index.chunk]
        names = self._index.energies
        positions = row[1 + len(names) :].reshape(-1, 3).copy()
        return Frame(float(row[0]), positions, dict(zip(names, row[1 : 1 + len(names)].tolist(), strict=True)))

    @property
    def _frame_size(self) -> int:
        return 8 * (1 + len(self._index.energies) + 3 * self._index.vertex_count)

    def _thin(self) -> None:
        """Keep every second frame, in chunks of a new generation; the old ones go when the index has changed."""
        old = [self._path(number) for number in range(len(self._index.lengths))]
        kept: list[np.ndarray] = []
        lengths: list[int] = []
        before, generation, first = list(self._index.lengths), self._index.generation, 0
        for number, length in enumerate(before):
            rows = self._chunk(number)
            kept += [rows[i] for i in range(length) if (first + i) % 2 == 0]
            first += length
            while len(kept) >= self._index.chunk or (number == len(before) - 1 and kept):
                part, kept = kept[: self._index.chunk], kept[self._index.chunk :]
                self._write_chunk(len(lengths), np.stack(part), generation=generation + 1)
                lengths.append(len(part))
        self._index.stride *= 2
        self._index.lengths, self._index.generation = lengths, generation + 1
        self._cache = None
        self._write_index()
        for path in old:
            path.unlink(missing_ok=True)

    def _chunk(self, number: int) -> np.ndarray:
        if self._cache is None or self._cache[0] != number:
            path = self._path(number)
            try:
                rows = np.load(path, allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise FileError(path, "this part of the trajectory is missing or damaged.") from error
            wide = self._frame_size // 8
            if rows.dtype != np.float64 or rows.shape != (self._index.lengths[number], wide):
                raise FileError(path, "this part of the trajectory is damaged.")
            self._cache = (number, rows)
        return self._cache[1]

    def _path(self, number: int, generation: int | None = None) -> Path:
        made = self._index.generation if generation is None else generation
        return self.folder / f"frames-{made}-{number:06d}.npy"

    def _write_chunk(self, number: int, rows: np.ndarray, *, generation: int | None = None) -> None:
        with atomic_write(self._path(number, generation)) as temporary, temporary.open("wb") as file:
            np.save(file, rows, allow_pickle=False)

    def _write_index(self) -> None:
        with atomic_write(self.folder / INDEX) as temporary:
            temporary.write_text(json.dumps(asdict(self._index)), encoding="utf-8")
