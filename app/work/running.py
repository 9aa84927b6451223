"""Running the Study: run, pause, step, stop, and looking back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.workspaces import PART, REGRESSION
from app.panels.error_bar import RUN
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.target import Target
from engine.core.errors import FormwrightError
from engine.protocol.session import QualitySheet
from engine.protocol.study import MODEL


class Running:
    """What a person asks of the Run."""

    def __init__(
        self, document: Document, link: EngineLink, drawing: Drawing, target: Target, notices: Notices
    ) -> None:
        self._document = document
        self._link = link
        self._drawing = drawing
        self._target = target
        self._notices = notices
        self.lack: Callable[[], str] = str
        """Says what the study cannot run without and has not (see `Inputs.lack`)."""

    @property
    def can_run(self) -> bool:
        """There is something to run, or a Run to go on with."""
        catalogue, study = self._document.catalogue, self._document.study
        if catalogue is None or not any(entry.study == study.study for entry in catalogue.studies):
            return False
        if study.scene is not None:
            return bool(study.scene.sheets or study.scene.solids) and not self.lack()
        if self._document.workspace == REGRESSION:
            return self._document.playing(PART) is not None and MODEL in study.inputs
        return self._document.playing("target") is not None or MODEL in study.inputs

    @property
    def lacks_model(self) -> bool:
        """The study is one on a Model, and there is none."""
        return self._document.workspace == REGRESSION and MODEL not in self._document.study.inputs

    def toggle(self) -> None:
        """Run, pause, or go on."""
        run = self._document.run
        if run.state in ("running", "preparing"):
            self._link.pause()
        elif run.state == "paused":
            self._link.view_live()
            self._link.resume()
        elif self.can_run:
            self.start()

    def start(self, *, paused: bool = False, resume: Path | None = None) -> None:
        """Begin anew from the input; the present Run becomes an earlier one."""
        before = self._document.run.iteration if self._document.run.exists else 0
        if went := self._target.drop_foreign_handles():
            self._notices.noted(went)
        try:
            self._link.start_run(paused=paused, resume=resume)
        except FormwrightError as error:
            self._notices.past(RUN)
            self._notices.say(error, about=RUN)
            return
        self._drawing.clear_snapshot()
        if before:
            self._notices.noted(_tr("The last run stays in Run › Earlier runs until the window closes"))

    def begin_otherwise(self, parameters: dict[str, Any]) -> None:
        """Begin anew with other parameters of the study, as one step of undo."""
        self._document.set_parameters(parameters)
        self.start()

    def step(self) -> None:
        """One iteration; starts a paused Run where there is none."""
        if self._document.run.state == "paused":
            self._link.view_live()
            self._link.resume(steps=1)
        elif not self._document.run.active and self.can_run:
            self.start(paused=True)
            self._link.resume(steps=1)

    def stop(self) -> None:
        self._link.stop()

    def restart_engine(self) -> None:
        """Start a new engine after the last one died, from its last Checkpoint."""
        try:
            self._link.restart()
        except FormwrightError as error:
            self._notices.past(RUN)
            self._notices.say(error, about=RUN)

    # Looking back -------------------------------------------------------------------------------------------------

    def view_checkpoint(self, checkpoint: int) -> None:
        self._link.view_checkpoint(checkpoint)

    def view_live(self) -> None:
        """Show the present surface again."""
        self._link.view_live()
        self._drawing.show_live()

    def continue_from(self, checkpoint: int) -> None:
        self._link.continue_from(checkpoint)

    def ask_quality(self, done: Callable[[dict[str, Any]], object]) -> None:
        """The quality sheet of what is shown: the present surface, or the Checkpoint being viewed."""
        self._link.ask(QualitySheet(checkpoint=self._link.viewed), done, title=_tr("Measuring the quality"))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Running", text)
