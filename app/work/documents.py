"""The document and its file: new, open, save, close. Writing and reading happen off the window's thread."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from PySide6.QtCore import QCoreApplication

from app.document.archive import is_safe
from app.document.document import Document
from app.document.file import (
    SUFFIX,
    CameraRecord,
    Content,
    Opened,
    RunNote,
    is_document,
    open_document,
    run_note,
    save_document,
)
from app.document.pristine import only_opened
from app.document.project import Project
from app.document.records import ArrayNames
from app.document.topic import Topic
from app.document.workspaces import SURFACE, first_study
from app.panels.error_bar import RUN, Message
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.task_rows import TaskCancelledError
from app.work.tasks import Tasks
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.run_folder import is_run_folder, read_summary, run_folder
from engine.protocol.session import SaveRun

Answer = Literal["save", "discard", "cancel"]

RunMark = tuple[int, int, int, tuple[str, ...]]
"""What tells a Run that has moved on: its number, iteration, Checkpoints and branches."""


class Look(Protocol):
    """How the window looks on the document (`app.window.outlook.Outlook`)."""

    def camera(self) -> CameraRecord | None: ...
    def layout(self) -> bytes: ...
    def preview(self) -> bytes: ...
    def restore(self, content: Content) -> None: ...


@dataclass(frozen=True)
class _Written:
    """What a save has put into the file."""

    path: Path
    project: Project
    mark: RunMark | None


class Documents:
    """One document at a time, with the file that it comes from or goes to.

    place : a folder for the files of Runs on their way; None: a temporary one
    ask_to_save : what is to become of unsaved changes; ask_where : where to save (None: nowhere)
    Topics: `changed` (file, name or what is unsaved), `emptied` (all that was open is closed), `replaced` (another
    document is open).
    """

    def __init__(self, document: Document, link: EngineLink, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._tasks = tasks
        self._notices = notices
        self.look: Look | None = None
        self.place: Path | None = None
        self.ask_to_save: Callable[[str], Answer] = lambda name: "discard"
        self.ask_where: Callable[[Path], Path | None] = lambda suggested: None
        self.names = ArrayNames()
        self.changed = Topic()
        self.emptied = Topic()
        self.replaced = Topic()
        self.path: Path | None = None
        self.read_only = False
        self._recovered_name = ""
        self._saving = False
        self._again: list[Callable[[], object]] = []
        self._mark: RunMark | None = None
        self._taken_up: int | None = None
        self._run_waits: Path | None = None
        self._run_inputs: dict[str, Mesh | Points] = {}
        self._unsaved_run = False
        self.run_source: Path | None = None
        link.begun.subscribe(self._run_begun)

    # What is open -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What the document is called."""
        if self.path is not None:
            return self.path.name
        return self._recovered_name or _tr("Untitled")

    @property
    def modified(self) -> bool:
        """What is open differs from the file: the Project, or a Run that has moved on since it was saved."""
        return self._document.modified or self._unsaved_run or self.run_mark() != self._mark

    @property
    def worth_keeping(self) -> bool:
        """Losing it would lose work: not only files that can be opened again."""
        if not self.modified:
            return False
        return self.path is not None or self._document.run.exists or not only_opened(self._document.project)

    @property
    def busy(self) -> bool:
        """It is being written."""
        return self._saving

    def run_mark(self) -> RunMark | None:
        """Where the Run is; None where there is none."""
        run = self._document.run
        if not run.exists:
            return None
        if run.run == self._taken_up and (run.state == "preparing" or (run.state == "failed" and not run.checkpoints)):
            return self._mark  # on its way to where it was saved, or still there, for it could not be taken up
        return run.run, run.iteration, len(run.checkpoints), tuple(sorted(run.branches()))

    def content(self, *, preview: bytes) -> Content:
        """All that is open, as it is kept."""
        look = self.look
        return Content(
            project=self._document.project,
            camera=look.camera() if look is not None else None,
            layout=look.layout() if look is not None else b"",
            preview=preview,
            name=self._telling_name(),
            saved=time.time(),
            run_inputs=dict(self._run_inputs) if self._document.run.exists else {},
        )

    # Opening ------------------------------------------------------------------------------------------------------

    def new(self) -> None:
        """Begin with nothing, in the workspace where one is; asks first where something would be lost."""
        self.leave(partial(self._begin_anew, self._document.workspace))

    def open(self, path: Path) -> None:
        """Open a document in place of this one; asks first where something would be lost."""
        self.leave(partial(self._read, path))

    def leave(self, then: Callable[[], object]) -> None:
        """Do `then`, as soon as nothing would be lost by it."""
        if self.may_leave(then):
            then()

    def may_leave(self, later: Callable[[], object]) -> bool:
        """Whether nothing would be lost by leaving what is open; asks where something would.

        later : done after it was saved, where that is asked for and has to be waited for
        """
        if self._saving:
            self._again.append(partial(self.leave, later))
            return False
        if not self.worth_keeping:
            return True
        answer = self.ask_to_save(self.name)
        if answer == "save":
            self.save(then=later)
        return answer == "discard"

    def show(self, content: Content, *, path: Path | None, run_files: Path | None, unsaved: bool = False) -> None:
        """Let this be what is open.

        run_files : a folder of its Run, which is taken up there, paused
        unsaved : it stands in no file as it is
        """
        self._begin_anew()
        self.path = path
        self._recovered_name = "" if path is not None else content.name
        self._document.open_project(content.project)
        if not content.project.study.terms and self._document.catalogue is not None:
            self._document.set_catalogue(self._document.catalogue)
        if unsaved:
            self._document.mark_saved(Project())
            self._unsaved_run = run_files is not None
        self.replaced()
        if self.look is not None:
            self.look.restore(content)
        self._run_inputs = dict(content.run_inputs)
        self.run_source = run_files
        if run_files is not None:
            self._run_waits = run_files
            self.poll()
        self.changed()

    def poll(self) -> None:
        """Take the Run up that came with the document, once there is an engine."""
        if self._run_waits is None or not self._link.alive:
            return
        folder, self._run_waits = self._run_waits, None
        try:
            study = read_summary(folder).study
            inputs = self._run_inputs or self._document.inputs()
            number = self._link.take_up(folder, study, inputs)
        except (FormwrightError, OSError) as error:
            self._notices.say(error, about=RUN)
            return
        self._taken_up = number
        note = run_note(folder)
        self._mark = _mark_of(number, note) if note is not None else None
        self.changed()

    def _begin_anew(self, workspace: str = SURFACE) -> None:
        if self._document.run.active:
            self._link.stop()
        self._link.forget_run()
        self._notices.past("")
        self.path, self.read_only, self._recovered_name = None, False, ""
        self._mark = self._taken_up = self._run_waits = self.run_source = None
        self._run_inputs, self._unsaved_run = {}, False
        self._document.open_project(Project(study=first_study(workspace)))
        if self._document.catalogue is not None:
            self._document.set_catalogue(self._document.catalogue)
        self.emptied()
        self.changed()

    def _read(self, path: Path) -> None:
        place = self._scratch("opened")
        row = self._tasks.begin(_tr("Opening {0}").format(path.name), cooperative=True)
        work = partial(open_document, path, run_folder=place, report=row.report)
        self._tasks.do(work, partial(self._opened, path, place), partial(self._not_opened, path, place), row=row)

    def _opened(self, path: Path, place: Path, opened: Opened) -> None:
        whole = is_run_folder(place)
        if not whole:
            shutil.rmtree(place, ignore_errors=True)
        self.show(opened.content, path=path, run_files=place if whole else None)
        self.read_only = opened.read_only
        self._document.recent.add(path)
        if opened.lost and not whole:
            text = _tr("The run in {0} is damaged, and cannot be read; all else is here.").format(path.name)
            remedy = _tr("Another copy of the file may still have it. Saving here leaves it out.")
            self._notices.said(Message(text, remedy, kind="warning", about=RUN))
        if opened.read_only:
            text = _tr("{0} was written by a newer Formwright ({1}), and is shown as far as this one understands it.")
            remedy = _tr("Save it under another name: what is not understood would be lost.")
            self._notices.said(Message(text.format(path.name, opened.written_by), remedy, kind="warning"))
        self.changed()

    def _not_opened(self, path: Path, place: Path, error: BaseException) -> None:
        shutil.rmtree(place, ignore_errors=True)
        self._notices.say(error, about=str(path))

    # Saving -------------------------------------------------------------------------------------------------------

    def save(self, *, then: Callable[[], object] = lambda: None) -> None:
        """Write the document where it comes from; asks where, when it comes from nowhere."""
        if self.path is None or self.read_only:
            self.save_as(then=then)
        else:
            self.save_to(self.path, then=then)

    def save_as(self, *, then: Callable[[], object] = lambda: None) -> None:
        """Ask where, and write the document there from now on."""
        path = self.ask_where(self._suggested())
        if path is not None:
            self.save_to(path if is_document(path) else path.with_name(path.name + SUFFIX), then=then)

    def save_to(self, path: Path, *, then: Callable[[], object] = lambda: None) -> None:
        """Write the document there while the Run goes on; `then` is done when it is written."""
        if self._saving:
            self._again.append(partial(self.save_to, path, then=then))
            return
        self._saving = True
        content = self.content(preview=self.look.preview() if self.look is not None else b"")
        content = replace(content, name=path.stem)
        mark = self.run_mark()
        if mark is None and self.run_source is None:
            self._write(path, content, None, None, then)
            return
        copy = self._scratch("saving")

        def written(_: object) -> None:
            self._write(path, content, copy, copy, then)

        def not_written(error: BaseException) -> None:
            # No engine, or none that has this Run: what was saved of it last is whole.
            self._write(path, content, self.run_files(), copy, then)

        if self._link.alive and self._document.run.exists and self._document.run.state != "preparing":
            copy.rmdir()  # the engine makes it: nothing may be there yet
            self._link.ask(SaveRun(path=copy), written, not_written)
        else:
            not_written(FormwrightError(""))

    def run_files(self) -> Path | None:
        """The folder in which the Run was saved last, by the engine or with the document."""
        number = self._document.run.run
        folder = run_folder(self._link.folder, number) if self._link.folder is not None else None
        if folder is not None and number and is_run_folder(folder):
            return folder
        earlier = self.earlier_run_files()
        return earlier if earlier is not None and is_run_folder(earlier) else None

    def earlier_run_files(self) -> Path | None:
        """The folder from which the Run was taken up, by this engine or by the one that died before it."""
        taken_up = self._link.resumed_from if self._document.run.exists else None
        return taken_up if taken_up is not None and is_run_folder(taken_up) else self.run_source

    def _write(
        self, path: Path, content: Content, files: Path | None, copy: Path | None, then: Callable[[], object]
    ) -> None:
        """files : of the Run; copy : what is to be removed afterwards"""
        mark = self.run_mark()
        row = self._tasks.begin(_tr("Saving {0}").format(path.name), cooperative=True)

        def work() -> _Written:
            note = run_note(files) if files is not None else None
            given = files if note is not None else None
            save_document(path, replace(content, run=note), run_folder=given, names=self.names, report=row.report)
            seen = _mark_of(mark[0], note) if mark is not None and note is not None else None
            return _Written(path, content.project, seen)

        def done(written: _Written) -> None:
            self._end_saving(copy)
            self.path, self.read_only, self._recovered_name, self._mark = path, False, "", written.mark
            self._unsaved_run = False
            self._document.mark_saved(written.project)
            self._document.recent.add(path)
            self._notices.past(str(path))
            self._notices.noted(_tr("Saved {0}").format(path.name))
            self.changed()
            then()
            self._next()

        def failed(error: BaseException) -> None:
            self._end_saving(copy)
            self._again.clear()
            if not isinstance(error, TaskCancelledError):
                offers = ((_tr("Save elsewhere…"), partial(self.save_as, then=then)),)
                text = getattr(error, "message", f"{type(error).__name__}: {error}")
                remedy = getattr(error, "remedy", "")
                self._notices.said(Message(text, remedy, offers=offers, about=str(path)))

        self._tasks.do(work, done, failed, row=row)

    def _end_saving(self, copy: Path | None) -> None:
        self._saving = False
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)

    def _next(self) -> None:
        if self._again:
            self._again.pop(0)()

    def _run_begun(self) -> None:
        """A Run, or an engine, takes the place of the last: what it begins with goes with the document."""
        if self._document.run.exists and self._document.run.run != self._taken_up:
            self._run_inputs = self._link.inputs
            self._run_waits = None
        self.changed()

    def _scratch(self, what: str) -> Path:
        """A new folder for files of a Run, on the disk where the engine keeps its own: links need no room."""
        parent = self._link.folder or self.place
        with contextlib.suppress(OSError):
            if parent is not None:
                return Path(tempfile.mkdtemp(prefix=f"{what}-", dir=parent))
        return Path(tempfile.mkdtemp(prefix=f"formwright-{what}-"))

    def _telling_name(self) -> str:
        """The document's name, or where it has none, that of what it is about."""
        objects = self._document.objects
        about = self._document.project.roles.get("target", objects[0].name if objects else "")
        return self.name if self.path is not None else self._recovered_name or about or self.name

    def _suggested(self) -> Path:
        stem = Path(self._telling_name()).stem
        folder = self.path.parent if self.path is not None else None
        if folder is None:
            paths = self._document.recent.paths()
            folder = paths[0].parent if paths else Path.home()
        return folder / f"{stem if stem and is_safe(stem) else _tr('Untitled')}{SUFFIX}"


def _mark_of(number: int, note: RunNote) -> RunMark:
    """Where a Run was when its files were written: it may have gone on since."""
    return number, note.iteration, note.checkpoints, note.branches


def _tr(text: str) -> str:
    return QCoreApplication.translate("Documents", text)
