"""What is open, kept against a crash of the window, and what crashed windows left, offered again."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.file import Content, RunNote
from app.document.recovery import ENGINE, Recoverable, RecoveryFolder, crashed
from app.document.topic import Topic
from app.work.documents import Documents
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.tasks import Tasks
from engine.core.errors import FileError

QUIET = 1.0
"""Seconds without a change after which what changed is kept."""
LONGEST = 5.0
"""Seconds that a change may wait at most, while more follow."""
INTERVAL = 30.0
"""Seconds between two looks at what nobody tells of: camera and layout."""
AGAIN = 20.0
"""Seconds until it is tried again after it has failed."""

Thumbnail = Callable[[], bytes]


@dataclass(frozen=True)
class _Taken:
    """What was recovered, ready to be shown."""

    found: Recoverable
    content: Content
    run_files: Path | None


class Keeping:
    """Keeps the document in a folder of this window, off its thread, and offers what others left.

    root : folder of all windows' folders; None keeps nothing. Where none can be made, that is noted once and all else
        works.
    `found` are what crashed windows left, the newest first; `found_changed` tells of them.
    """

    def __init__(
        self,
        root: Path | None,
        document: Document,
        link: EngineLink,
        documents: Documents,
        tasks: Tasks,
        notices: Notices,
    ) -> None:
        self._root = root
        self._document = document
        self._link = link
        self._documents = documents
        self._tasks = tasks
        self._notices = notices
        self.interval = INTERVAL
        self.found: list[Recoverable] = []
        self.found_changed = Topic()
        self._home: RecoveryFolder | None = None
        self._busy = False
        self._changed_at: float | None = None
        self._waiting_since: float | None = None
        self._tried_at = float("-inf")
        self._kept_at = time.monotonic()  # what is opened first is kept when it has been shown
        self._kept: tuple[object, ...] | None = None
        self._complained = False
        self._pictured: tuple[object, ...] | None = None
        self._picture = b""
        self._taken: list[Path] = []
        if root is not None:
            try:
                self._home = RecoveryFolder.make(root, documents.names)
            except OSError as error:
                self._complain(error.strerror or str(error))
        documents.place = self._home.folder if self._home is not None else None
        document.document_changed.subscribe(self._note_change)
        link.begun.subscribe(self._note_change)
        documents.changed.subscribe(self._note_change)

    @property
    def engine_folder(self) -> Path | None:
        """Where the engine is to keep its Runs, so that they can be recovered; None: wherever it likes."""
        return self._home.engine_folder if self._home is not None else None

    # Keeping ------------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Keep what has changed, when its time has come."""
        home, now = self._home, time.monotonic()
        if home is None or self._busy or now < self._tried_at:
            return
        due = now - self._kept_at >= self.interval
        if self._changed_at is not None and self._waiting_since is not None:
            due = due or now - self._changed_at >= QUIET or now - self._waiting_since >= LONGEST
        if due:
            self._changed_at = self._waiting_since = None
            self._kept_at = now
            self._keep(home)

    def _note_change(self) -> None:
        self._changed_at = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = self._changed_at

    def _keep(self, home: RecoveryFolder) -> None:
        if not self._document.objects and not self._document.run.exists and not self._documents.modified:
            if self._kept is not None:
                self._kept = None
                home.forget()
            return
        content = replace(self._documents.content(preview=self._preview()), run=self._run_note(home))
        key = (content.project, content.camera, content.layout, content.run, content.name, content.preview)
        if key == self._kept:
            return
        self._busy = True
        thumbnail = self._thumbnail()
        taken = tuple(self._taken)

        def work() -> None:
            picture = thumbnail() if thumbnail is not None else b""
            home.keep(replace(content, preview=picture or content.preview))

        self._tasks.do(work, partial(self._was_kept, key, taken), self._was_not_kept)

    def _was_kept(self, key: tuple[object, ...], taken: tuple[Path, ...], _: object) -> None:
        self._busy = False
        self._kept = key
        self._complained = False
        self._taken = [folder for folder in self._taken if folder not in taken]
        for folder in taken:  # what was recovered before is kept here now
            shutil.rmtree(folder, ignore_errors=True)

    def _was_not_kept(self, error: BaseException) -> None:
        self._busy = False
        self._tried_at = time.monotonic() + AGAIN
        self._note_change()
        self._complain(getattr(error, "message", str(error)))

    def _complain(self, why: str) -> None:
        """Say once that what is open is not kept: nobody is held up by it."""
        if not self._complained:
            self._complained = True
            self._notices.noted(_tr("Not kept against a crash: {0}").format(why))

    def _run_note(self, home: RecoveryFolder) -> RunNote | None:
        run, source = self._document.run, self._documents.earlier_run_files()
        if not run.exists and source is None:
            return None
        folder = f"{ENGINE}/run-{run.run}" if run.run and self._link.folder == home.engine_folder else ""
        earlier = ""
        if source is not None and source.is_relative_to(home.folder):
            earlier = source.relative_to(home.folder).as_posix()
        return RunNote(folder=folder, earlier=earlier)

    def _preview(self) -> bytes:
        """What is open, as it looks; drawn anew only when something else is there or is coloured otherwise: drawing
        takes time, and an object that is dragged would be drawn again and again."""
        objects = tuple((id(item.geometry), item.colour, item.visible) for item in self._document.objects)
        if objects != self._pictured and self._documents.look is not None:
            self._picture = self._documents.look.preview()
            self._pictured = objects if self._picture else None
        return self._picture

    def _thumbnail(self) -> Thumbnail | None:
        """Makes the picture of the latest Checkpoint, in any thread."""
        checkpoints = self._document.run.checkpoints
        pictures = [info.thumbnail for info in checkpoints.values() if info.thumbnail is not None]
        if not pictures:
            return None
        picture = pictures[-1]

        def make() -> bytes:
            from io import BytesIO

            from PIL import Image

            stream = BytesIO()
            Image.fromarray(picture).save(stream, "PNG")
            return stream.getvalue()

        return make

    # Recovering ---------------------------------------------------------------------------------------------------

    def look_for_crashes(self) -> None:
        """Find what windows that died have left."""
        root = self._root
        if root is not None:
            self._tasks.do(partial(crashed, root), self._found, lambda error: None)

    def recover(self, found: Recoverable) -> None:
        """Open what a crashed window had open, in place of what is open here; asks first where that would be lost."""
        self._documents.leave(partial(self._take, found))

    def discard(self, found: Recoverable) -> None:
        """Remove it for good."""
        self._drop(found)
        self._tasks.do(partial(_discard, found), lambda _: None, self._notices.say)

    def later(self) -> None:
        """Offer it again at the next start."""
        self.found = []
        self.found_changed()

    def close(self) -> None:
        """The window ends as it should: nothing is left behind, but what waits to be recovered."""
        if self._home is not None:
            self._home.remove()
            self._home = None
        for folder in self._taken:
            shutil.rmtree(folder, ignore_errors=True)

    def _found(self, found: list[Recoverable]) -> None:
        self.found = found
        self.found_changed()

    def _drop(self, found: Recoverable) -> None:
        self.found = [other for other in self.found if other.folder != found.folder]
        self.found_changed()

    def _take(self, found: Recoverable) -> None:
        self._drop(found)
        title = _tr("Recovering {0}").format(found.name)
        place = self.engine_folder
        self._tasks.do(partial(_taken, found, place), self._recovered, self._notices.say, title=title)

    def _recovered(self, taken: _Taken) -> None:
        self._taken.append(taken.found.folder)
        self._documents.show(taken.content, path=None, run_files=taken.run_files, unsaved=True)
        self._notices.noted(_tr("Recovered {0}; save it to keep it").format(taken.found.name))


def _taken(found: Recoverable, place: Path | None) -> _Taken:
    """Read what was left, and bring the files of its Run to where this window's engine has its own."""
    claimed = found.claim()
    try:
        content = claimed.read()
    except FileError:
        with contextlib.suppress(OSError):
            claimed.folder.rename(found.folder)  # another version, or another try, may do better
        raise
    run = claimed.run_folder
    if run is not None and place is not None:
        target = place / f"recovered-{claimed.folder.name}"
        with contextlib.suppress(OSError):
            shutil.copytree(run, target, copy_function=_link_or_copy)
            run = target
    return _Taken(claimed, content, run)


def _link_or_copy(source: str, target: str) -> None:
    """A hard link needs no room; the files of a Run are never changed in place."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _discard(found: Recoverable) -> None:
    with contextlib.suppress(FileError):  # another window was quicker
        found.claim().discard()


def _tr(text: str) -> str:
    return QCoreApplication.translate("Keeping", text)
