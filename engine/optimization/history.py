"""The History of a Run: a tree of Checkpoints under a memory budget. It shrinks only when a person says so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.errors import FileError, ParameterError
from engine.core.leaves import State
from engine.optimization.checkpoint_io import arrays_of, own_arrays
from engine.optimization.checkpoint_store import CheckpointStore
from engine.optimization.loss_curve import LossCurve
from engine.optimization.shared_arrays import ArraysInMemory
from engine.protocol.snapshot import CheckpointInfo

DEFAULT_BUDGET = 2**30
"""Bytes of Checkpoints that stay in memory."""

MAIN_BRANCH = "main"


@dataclass
class Branch:
    """A line of descent.

    fork : the Checkpoint from which it was begun; None for the first
    curve : its losses, from there on
    """

    fork: int | None
    curve: LossCurve


@dataclass
class _Entry:
    info: CheckpointInfo
    state: State | None
    verified: bool


class History:
    """Checkpoints (design, optimiser, random state, edits so far) with their parents, branches and losses.

    An array that is the same object in several states is kept, counted and written once.

    budget : bytes that may stay in memory; beyond it the least useful Checkpoints are only on disk
    folder : where they go; None: a temporary folder, removed at `close`
    """

    def __init__(self, *, budget: int = DEFAULT_BUDGET, folder: Path | None = None) -> None:
        self.budget = budget
        self.problems: list[str] = []
        self.revision = 0
        """Changes with everything but losses."""
        self.branches: dict[str, Branch] = {MAIN_BRANCH: Branch(None, LossCurve())}
        self.store = CheckpointStore(self._place)
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._entries: dict[int, _Entry] = {}
        self._next = 0
        self._in_memory = ArraysInMemory()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def memory(self) -> int:
        """Bytes held in memory."""
        return self._in_memory.bytes

    @property
    def next_number(self) -> int:
        """Of the next Checkpoint."""
        return self._next

    def skip_number(self) -> None:
        """Let the next Checkpoint have the number after."""
        self._next += 1

    def infos(self) -> list[CheckpointInfo]:
        """Every Checkpoint, oldest first."""
        return [entry.info for entry in self._entries.values()]

    def info(self, checkpoint: int) -> CheckpointInfo:
        return self._entry(checkpoint).info

    def state(self, checkpoint: int) -> State:
        """The state kept in `checkpoint`; raises `ParameterError` for an unknown one, `FileError` for a lost file."""
        entry = self._entry(checkpoint)
        if entry.state is not None:
            return entry.state
        return self.store.read(checkpoint)

    def verified(self, checkpoint: int) -> bool:
        """Whether it has been evaluated and all was finite."""
        return self._entry(checkpoint).verified

    def add(
        self,
        state: State,
        *,
        parent: int | None,
        branch: str,
        iteration: int,
        losses: dict[str, float],
        label: str = "",
        thumbnail: np.ndarray | None = None,
        verified: bool = False,
        edits: int = 0,
    ) -> CheckpointInfo:
        """Keep `state`. `verified` says that it has been evaluated and all was finite: only then a Run falls back
        to it. `edits` had been recorded before it."""
        number, self._next = self._next, self._next + 1
        state = own_arrays(state)
        memory = self._in_memory.add(arrays_of(state))
        info = CheckpointInfo(number, parent, branch, iteration, dict(losses), thumbnail, label, memory, edits=edits)
        self._entries[number] = _Entry(info, state, verified)
        self.revision += 1
        self._spill()
        return self._entries[number].info

    def ancestors(self, checkpoint: int | None) -> list[int]:
        """`checkpoint`, its parent, and so on to the root."""
        line = []
        while checkpoint is not None:
            line.append(checkpoint)
            checkpoint = self._entry(checkpoint).info.parent
        return line

    def last_good(self, checkpoint: int | None, *, older: int = 0) -> int | None:
        """The latest verified Checkpoint at or above `checkpoint`, or the one `older` steps before (at most the
        first)."""
        good = [number for number in self.ancestors(checkpoint) if self._entries[number].verified]
        return good[min(older, len(good) - 1)] if good else None

    def restore(
        self, infos: Iterable[tuple[CheckpointInfo, bool]], branches: Mapping[str, Branch], *, following: int
    ) -> None:
        """Let an empty History be that of a folder: Checkpoints that its store has already, with their `verified`.

        following : number of the next Checkpoint
        """
        self._entries = {info.id: _Entry(replace(info, on_disk=True), None, verified) for info, verified in infos}
        self.branches = dict(branches)
        self._next = following
        self.revision += 1

    def unwritten(self) -> list[tuple[CheckpointInfo, State]]:
        """The Checkpoints that are not on disk, oldest first."""
        return [
            (entry.info, entry.state)
            for number, entry in self._entries.items()
            if entry.state is not None and number not in self.store
        ]

    def write(self, checkpoint: CheckpointInfo, state: State) -> None:
        """Write one of `unwritten`, from any thread; raises `FileError`."""
        self.store.write(checkpoint.id, state, checkpoint.thumbnail, shared=self._is_shared)

    def start_branch(self, name: str = "", *, fork: int | None = None) -> str:
        """A new branch from the Checkpoint `fork`, called `name` (made unique; "branch 2" and so on when empty)."""
        name = name or f"branch {len(self.branches) + 1}"
        unique, count = name, 1
        while unique in self.branches:
            count += 1
            unique = f"{name} ({count})"
        self.branches[unique] = Branch(fork, LossCurve())
        self.revision += 1
        return unique

    def rename_branches(self, names: Mapping[str, str]) -> None:
        """Other names by the old ones, all at once; the others keep theirs. The caller sees that all differ."""
        self.branches = {names.get(name, name): branch for name, branch in self.branches.items()}
        self.revision += 1
        for entry in self._entries.values():
            entry.info = replace(entry.info, branch=names.get(entry.info.branch, entry.info.branch))

    def delete_branch(self, branch: str, *, tip: int | None, tip_branch: str) -> tuple[list[int], dict[int, str]]:
        """Remove a branch; what other branches descend from becomes part of the oldest of those.

        tip : where the Run is, and its branch, which may have no Checkpoint of its own yet
        returns : the Checkpoints removed, and the new branch of those that stay
        """
        mine = [number for number, entry in self._entries.items() if entry.info.branch == branch]
        age = {name: index for index, name in enumerate(self.branches)}
        heirs: dict[int, str] = {} if tip is None else {tip: tip_branch}
        for number, entry in reversed(self._entries.items()):
            heir = heirs.get(number) if entry.info.branch == branch else entry.info.branch
            parent = entry.info.parent
            if parent is not None and heir is not None:
                heirs[parent] = min(heir, heirs.get(parent, heir), key=age.__getitem__)
        moved = {number: heirs[number] for number in mine if number in heirs}
        removed = [number for number in mine if number not in heirs]
        self._hand_on_losses(branch, moved)
        for number, heir in moved.items():
            self._entries[number].info = replace(self._entries[number].info, branch=heir)
        for number in removed:
            self._forget(number)
        for other in self.branches.values():
            if other.fork in removed:
                other.fork = None
        self.revision += 1
        if self._temporary is not None:
            self.store.keep_only(self._entries, before=self._next)
        return removed, moved

    def lose(self, numbers: Iterable[int]) -> dict[int, int | None]:
        """Go on without Checkpoints that cannot be read; the losses on the way to them stay.

        returns : the nearest ancestor of each that can be, which is parent and fork in its place; None: there is none
        """
        lost = set(numbers)
        stand_in = {n: next((other for other in self.ancestors(n) if other not in lost), None) for n in lost}
        whole = {name: self.whole_curve(name) for name, branch in self.branches.items() if branch.fork in lost}
        for name, curve in whole.items():
            fork = self.branches[name].fork
            assert fork is not None
            self.branches[name] = Branch(stand_in[fork], curve)
        for number in lost:
            self._forget(number)
        for entry in self._entries.values():
            if entry.info.parent in stand_in:
                entry.info = replace(entry.info, parent=stand_in[entry.info.parent])
        self.revision += 1
        return stand_in

    def record(self, branch: str, iteration: int, losses: dict[str, float]) -> None:
        """Losses of one iteration; one that is done again takes the place of itself and of what came after it."""
        self.branches[branch].curve.record(iteration, losses)

    def losses(self, branch: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Iterations (n,) and, by name, the values (n,) of a branch; NaN where a Term was not there."""
        return self.branches[branch].curve.arrays()

    def whole_curve(self, branch: str) -> LossCurve:
        """The losses of a branch and, before those, of what it descends from."""
        curve, fork = self.branches[branch].curve, self.branches[branch].fork
        while fork is not None:
            at = self.info(fork)
            curve = curve.after(self.branches[at.branch].curve.until(at.iteration))
            fork = self.branches[at.branch].fork
        return curve

    def close(self) -> None:
        """Remove what was written into a temporary folder."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _hand_on_losses(self, branch: str, moved: Mapping[int, str]) -> None:
        """The losses of a branch that goes, up to where its heirs left it, are theirs now."""
        gone = self.branches.pop(branch)
        left_at: dict[str, int] = {}
        for number, heir in moved.items():
            left_at[heir] = max(left_at.get(heir, 0), self._entries[number].info.iteration)
        for heir, end in left_at.items():
            other = self.branches[heir]
            other.curve = other.curve.after(gone.curve.until(end))
            if other.fork is not None and moved.get(other.fork) == heir:
                other.fork = gone.fork

    def _forget(self, number: int) -> None:
        entry = self._entries.pop(number)
        if entry.state is not None:
            self._in_memory.remove(arrays_of(entry.state))

    def _entry(self, checkpoint: int) -> _Entry:
        if checkpoint not in self._entries:
            raise ParameterError("checkpoint", f"the History has no Checkpoint {checkpoint}.")
        return self._entries[checkpoint]

    def _place(self) -> Path:
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="formwright-history-")
            self._folder = Path(self._temporary.name)
        return self._folder

    def _is_shared(self, array: np.ndarray) -> bool:
        """Other Checkpoints have this very object too."""
        return self._in_memory.users(array) > 1

    def _spill(self) -> None:
        while self.memory > self.budget:
            number = self._least_useful()
            if number is None:
                return
            entry = self._entries[number]
            assert entry.state is not None
            try:
                self.write(entry.info, entry.state)
            except FileError as error:
                self.problems.append(f"The History stays in memory beyond its budget: {error}")
                return
            self._in_memory.remove(arrays_of(entry.state))
            entry.state = None
            entry.info = replace(entry.info, on_disk=True)

    def _least_useful(self) -> int | None:
        """What is least likely to be asked for: neither the newest nor a branch's last, without a name, and closest
        in iteration to its parent; the oldest of equals. None when only the newest is left."""
        newest = next(reversed(self._entries))
        last = {entry.info.branch: number for number, entry in self._entries.items()}
        candidates = [n for n, entry in self._entries.items() if entry.state is not None and n != newest]

        def usefulness(number: int) -> tuple[bool, bool, int, int]:
            info = self._entries[number].info
            parent = self._entries.get(info.parent) if info.parent is not None else None
            before = parent.info.iteration if parent is not None else info.iteration
            return last[info.branch] == number, bool(info.label), abs(info.iteration - before), number

        return min(candidates, key=usefulness, default=None)
