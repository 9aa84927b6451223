"""Two surfaces of a Run's History beside each other: A and B, each a Checkpoint or the present surface."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.document.branch_titles import branch_title
from app.document.document import Document
from app.document.topic import Topic
from app.viewport.records import CompareMode
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from engine.protocol.session import CheckpointView, CompareCheckpoints
from engine.protocol.snapshot import Snapshot

NOW: int | None = None
"""In the place of a Checkpoint: the surface as it is when it is asked for."""


@dataclass(frozen=True)
class Distances:
    """How far A is from B [mm]: of A's vertices to B's surface, without sign."""

    mean: float
    percentile_95: float
    maximum: float


@dataclass(frozen=True)
class Comparison:
    """What is compared: Checkpoints, or None for the present surface; and what is known of it by now."""

    a: int | None
    b: int | None
    first: Snapshot | None = None
    second: Snapshot | None = None

    @property
    def distances(self) -> Distances | None:
        if self.first is None or "distance:mean" not in self.first.scalars:
            return None
        kinds = ("mean", "percentile_95", "maximum")
        return Distances(*(self.first.scalars[f"distance:{kind}"] for kind in kinds))


class Comparing:
    """Asks the engine for two surfaces and their distance, and draws them until it is left.

    The Run goes on meanwhile; what is compared as *now* stays as it was when it was asked for.

    Topic: `changed` (what is compared, how it is shown, or what is known of it).
    """

    def __init__(self, document: Document, link: EngineLink, drawing: Drawing, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._drawing = drawing
        self._notices = notices
        self.changed = Topic()
        self.comparison: Comparison | None = None
        self.mode: CompareMode = "overlay"
        self._asked = 0
        link.begun.subscribe(self.leave)
        link.checkpoints_changed.subscribe(self._checkpoints_changed)

    @property
    def active(self) -> bool:
        return self.comparison is not None

    def compare(self, a: int | None, b: int | None) -> None:
        """Show A and B over each other, as soon as the engine has answered."""
        if a == b:
            self._notices.noted(_tr("Choose two different moments to compare"))
            return
        self.comparison = Comparison(a, b)
        self._asked += 1
        self._ask(self._asked, a, b)
        self.changed()

    @property
    def possible(self) -> bool:
        """There is a Checkpoint to compare with."""
        return bool(self._document.run.checkpoints) and self._link.alive

    def compare_now_with(self, checkpoint: int | None) -> None:
        """Compare the present surface with a Checkpoint; without one, with the last of another branch, or the first."""
        run = self._document.run
        if checkpoint is None:
            others = [tip for branch in run.branches() if branch != run.branch and (tip := run.tip(branch)) is not None]
            checkpoint = max(others, default=min(run.checkpoints, default=None))
        self.compare(NOW, checkpoint)

    def choose(self, a: int | None, b: int | None) -> None:
        """Compare others; the same twice exchanges them."""
        before = self.comparison
        if before is not None and a == b:
            a, b = before.b, before.a
        self.compare(a, b)

    def exchange(self) -> None:
        """A becomes B, and B A: the distances are those of the other."""
        if self.comparison is not None:
            self.compare(self.comparison.b, self.comparison.a)

    def renew(self) -> None:
        """Ask again: the present surface has moved on."""
        if self.comparison is not None:
            self.compare(self.comparison.a, self.comparison.b)

    def set_mode(self, mode: CompareMode) -> None:
        self.mode = mode
        self._draw()
        self.changed()

    def leave(self) -> None:
        """Show the Run's surface again; idempotent."""
        if self.comparison is None:
            return
        self.comparison = None
        self._asked += 1
        if self._drawing.viewport is not None:
            self._drawing.viewport.clear_comparison()
        self.changed()

    def title(self, checkpoint: int | None) -> str:
        """ "nose out · it 240", or "now · it 300" once it is known of when that is."""
        info = self._document.run.checkpoints.get(checkpoint) if checkpoint is not None else None
        if info is not None:
            branch = branch_title(self._document.project, info.branch)
            return f"{branch} · it {info.iteration:,}" + (f" · {info.label}" if info.label else "")
        return _tr("Now")

    def choices(self) -> list[int | None]:
        """What one would compare: now, the last Checkpoint of each branch, those that were kept, and what is compared
        already."""
        run = self._document.run
        tips = [tip for branch in run.branches() if (tip := run.tip(branch)) is not None]
        kept = [id for id, info in run.checkpoints.items() if info.label]
        ours = [self.comparison.a, self.comparison.b] if self.comparison is not None else []
        return list(dict.fromkeys([NOW, *tips, *kept, *ours]))

    def _ask(self, asked: int, a: int | None, b: int | None) -> None:
        def failed(error: BaseException) -> None:
            if asked == self._asked:
                self.leave()
                self._notices.say(error)

        def second_came(second: Snapshot, first: Snapshot) -> None:
            if asked == self._asked:
                self.comparison = Comparison(a, b, first, second)
                self._draw()
                self.changed()

        def first_came(first: Snapshot) -> None:
            if asked == self._asked:
                # The present surface has no number by which it could be viewed: B as it is far from A is B, too.
                request = CheckpointView(checkpoint=b) if b is not None else CompareCheckpoints(a=b, b=a)
                self._link.ask(request, lambda second: second_came(second, first), failed)

        self._link.ask(CompareCheckpoints(a=a, b=b), first_came, failed, title=_tr("Comparing checkpoints"))

    def _draw(self) -> None:
        comparison, viewport = self.comparison, self._drawing.viewport
        if comparison is None or comparison.first is None or comparison.second is None or viewport is None:
            return
        distances = comparison.first.arrays.get("distance")
        viewport.show_comparison(comparison.first, comparison.second, self.mode, distances)

    def _checkpoints_changed(self) -> None:
        """A Checkpoint that is gone cannot be compared any more."""
        comparison = self.comparison
        if comparison is not None:
            known = self._document.run.checkpoints
            if any(id is not None and id not in known for id in (comparison.a, comparison.b)):
                self.leave()
            else:
                self.changed()


def _tr(text: str) -> str:
    return QCoreApplication.translate("Comparing", text)
