"""A Run as the window has seen it: its state, losses, History; filled from events and Snapshots."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.protocol.snapshot import BranchesChanged, CheckpointInfo, LossesRecorded, Snapshot, State

ACTIVE: frozenset[State] = frozenset({"preparing", "running", "paused"})


@dataclass
class LossCurves:
    """Losses of one branch: iterations and, by name ("loss", "term:NAME"), the values (NaN before a Term came)."""

    iterations: list[int] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, event: LossesRecorded) -> None:
        """Append; Terms that came late or went early are NaN where they were not."""
        count = len(self.iterations)
        self.iterations.extend(event.iterations)
        for name in self.values.keys() | event.values.keys():
            series = self.values.setdefault(name, [float("nan")] * count)
            series.extend(event.values.get(name, [float("nan")] * len(event.iterations)))

    def until(self, iteration: int) -> LossCurves:
        """A copy of what was before `iteration`."""
        count = bisect_left(self.iterations, iteration)
        return LossCurves(self.iterations[:count], {name: series[:count] for name, series in self.values.items()})


@dataclass
class RunRecord:
    """What is known of one Run."""

    run: int = 0
    state: State = "idle"
    reason: str = ""
    iteration: int = 0
    iterations: int = 0
    branch: str = "main"
    scalars: dict[str, float] = field(default_factory=dict)
    info: dict[str, object] = field(default_factory=dict)
    curves: dict[str, LossCurves] = field(default_factory=dict)
    checkpoints: dict[int, CheckpointInfo] = field(default_factory=dict)
    rewound_to: int | None = None
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """An Edit would act: the Run prepares, runs or waits."""
        return self.state in ACTIVE

    @property
    def exists(self) -> bool:
        """There is (or was) a Run with something to look at."""
        return self.state != "idle"

    def see(self, snapshot: Snapshot) -> None:
        """Take over the numbers of a Snapshot."""
        self.iteration = snapshot.iteration
        self.iterations = snapshot.iterations
        self.scalars = snapshot.scalars
        self.info = snapshot.info

    def record(self, event: LossesRecorded) -> None:
        """Append losses; a new branch begins with the curves of the branch that it left, up to where it left it."""
        if event.branch not in self.curves:
            origin = self.checkpoints.get(self.rewound_to) if self.rewound_to is not None else None
            before = self.curves.get(origin.branch) if origin is not None else None
            self.curves[event.branch] = before.until(origin.iteration) if before and origin else LossCurves()
        self.branch = event.branch
        self.curves[event.branch].add(event)

    def branches_changed(self, event: BranchesChanged) -> None:
        """Branches were renamed, or removed with their Checkpoints."""
        names = event.renamed
        self.curves = {names.get(branch, branch): curves for branch, curves in self.curves.items()}
        self.curves.pop(event.deleted_branch, None)
        self._numbers = {names.get(branch, branch): number for branch, number in self._numbers.items()}
        self._numbers.pop(event.deleted_branch, None)
        self.branch = names.get(self.branch, self.branch)
        for number in event.deleted:
            self.checkpoints.pop(number, None)
        for number, info in self.checkpoints.items():
            branch = event.moved.get(number, names.get(info.branch, info.branch))
            self.checkpoints[number] = replace(info, branch=branch)

    def present_curves(self) -> LossCurves:
        """The curves of the branch that descends now."""
        return self.curves.get(self.branch, LossCurves())

    def branches(self) -> list[str]:
        """Branch names in the order in which their first Checkpoint was made."""
        return list(dict.fromkeys(info.branch for info in self.checkpoints.values()))

    def branch_number(self, branch: str) -> int:
        """A number that a branch keeps while there are others, whatever it is called: its colour in tree and plot."""
        taken = set(self._numbers.values())
        free = next(number for number in range(len(taken) + 1) if number not in taken)
        return self._numbers.setdefault(branch, free)

    def tip(self, branch: str) -> int | None:
        """The last Checkpoint of a branch."""
        return max((id for id, info in self.checkpoints.items() if info.branch == branch), default=None)

    def latest_loss(self, name: str) -> float | None:
        """The last value of "loss" or "term:NAME" on the present branch."""
        series = self.present_curves().values.get(name)
        return series[-1] if series else None
