"""Learning a regression model from the samples that are open, while the window and its Run go on; and its card."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.project import Project
from app.document.topic import Topic
from app.document.workspaces import KIND, PREDICT, REGRESSION
from app.panels.error_bar import Message
from app.work.apart import Report, on_one_thread
from app.work.inputs import STUDIES, Inputs
from app.work.notices import Notices
from app.work.samples import Samples, sample_set
from app.work.task_rows import TaskCancelledError, TaskRow, Unfinished
from app.work.tasks import Tasks
from engine.core.atomic import check_place
from engine.core.errors import FormwrightError
from engine.io.model_file import ModelCard, read_card
from engine.protocol.study import MODEL, MODEL_EXTENSION, SAMPLE
from engine.regression.settings import LEAST_SAMPLES, TrainingParameters

Diagnosis = Literal["curve", "split"]
"""What is measured on demand: the learning curve, or what the error is made of."""


class Training:
    """One piece of long work at a time, in a process of its own. `changed` tells that one has begun or ended, and of
    another card; `told` of errors on samples that are held out, as they come.

    row : of the work under way, None without one
    model : the file that is being written, or was written last
    reports : of the training under way or the last one: "part", "parts", "samples", "errors" by name, "mean"
    outcome : what became of the last training where there is no model of it, a sentence
    diagnosing : what is being measured now; "" for none
    """

    def __init__(self, document: Document, samples: Samples, inputs: Inputs, tasks: Tasks, notices: Notices) -> None:
        self._document = document
        self._samples = samples
        self._inputs = inputs
        self._tasks = tasks
        self._notices = notices
        self.changed = Topic()
        self.told = Topic()
        self.row: TaskRow | None = None
        self.model: Path | None = None
        self.reports: list[dict[str, Any]] = []
        self.outcome = ""
        self.diagnosing: Diagnosis | Literal[""] = ""
        self._card: tuple[tuple[str, int], ModelCard | None, str] = (("", 0), None, "")
        self._shown = ""
        document.document_changed.subscribe(self._follow)

    # Training -----------------------------------------------------------------------------------------------------

    @property
    def why_not(self) -> str:
        """Why nothing can be learnt now; "" where it can."""
        samples = self._samples
        if self.row is not None:
            return _tr("Something is being learnt already.")
        if samples.look is None:
            return _tr("Open samples to learn from first.")
        if samples.look.problem:
            return samples.look.problem
        complaints = samples.complaints()
        if complaints:
            return _tr("{0} samples have a complaint: leave them out first.").format(len(complaints))
        count = samples.counts()["train"]
        if count < LEAST_SAMPLES:
            return _tr("{0} samples are for training; {1} are needed at least.").format(count, LEAST_SAMPLES)
        return ""

    @property
    def unfinished(self) -> Unfinished | None:
        """What closing the window would end."""
        return Unfinished(self.row.title, _tr("Ended now, nothing of it is kept.")) if self.row is not None else None

    def suggested(self) -> Path | None:
        """Where a model of the samples could be written: beside them."""
        look = self._samples.look
        if look is None:
            return None
        folder = Path.home() if self._samples.shipped else Path(look.path).parent
        return folder / (look.name + MODEL_EXTENSION)

    def train(self, model: Path, options: TrainingParameters) -> None:
        """Learn from the samples that are for training, and write the model.

        Raises `FileError` for a place that cannot be written.
        """
        check_place(model)
        if self.why_not or self._samples.look is None:
            return
        self.model, self.outcome, self.reports = model, "", []
        split = dict(self._document.project.samples.split)
        work = partial(_train, Path(self._samples.look.path), split, model, options.model_dump())
        self.row = self._tasks.do_long(
            work, self._learnt, self._failed, title=_tr("Learning {0}").format(model.name), heard=self._heard
        )
        self.changed()

    def cancel(self) -> None:
        """Stop; nothing is written."""
        if self.row is not None:
            self.row.cancel()

    # The card -----------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What a person calls the model: the name of its file, or of the samples that come with the program."""
        return Path(model_of(self._document.project)).name.removeprefix(SAMPLE)

    @property
    def model_path(self) -> Path | None:
        """The model that the workspace Regression is about."""
        named = model_of(self._document.project)
        if named.startswith(SAMPLE):
            return Path(sample_set().sample_model_file())
        return Path(named) if named else None

    def card(self) -> ModelCard | None:
        """Of the model; None where there is none, or it cannot be read (`card_problem` says why)."""
        path = self.model_path
        key = (str(path or ""), _written(path))
        if key != self._card[0]:
            card: ModelCard | None = None
            problem = ""
            shipped = model_of(self._document.project).startswith(SAMPLE)
            if path is not None and not (shipped and not path.exists()):  # it is learnt when it is needed first
                try:
                    card = read_card(path)
                    if STUDIES.get(card.kind) != PREDICT:
                        problem = _tr("This Model is a {0}, not a regression model.").format(card.kind)
                        card = None
                except FormwrightError as error:
                    problem = str(error)
            self._card = (key, card, problem)
        return self._card[1]

    def look_again(self) -> None:
        """The model's file may be another one by now."""
        path = self.model_path
        if (str(path or ""), _written(path)) != self._card[0]:
            self.changed()

    @property
    def card_problem(self) -> str:
        self.card()
        return self._card[2]

    @property
    def why_no_diagnosis(self) -> str:
        """Why nothing can be measured on demand now; "" where it can."""
        if self.row is not None:
            return _tr("Something is being learnt already.")
        if self.card() is None:
            return _tr("There is no model.")
        if self._samples.look is None:
            return _tr("Open the samples that the model was learnt from.")
        return ""

    def diagnose(self, what: Diagnosis) -> None:
        """Measure the learning curve or the parts of the error, and write them into the model's card."""
        path, look = self.model_path, self._samples.look
        if self.why_no_diagnosis or path is None or look is None:
            return
        self.diagnosing, self.outcome = what, ""
        split = dict(self._document.project.samples.split)
        titles = {"curve": _tr("Learning curve of {0}"), "split": _tr("Parts of the error of {0}")}
        self.row = self._tasks.do_long(
            partial(_diagnose, Path(look.path), split, path, what), self._diagnosed, self._failed,
            title=titles[what].format(path.name),
        )  # fmt: skip
        self.changed()

    def export_card(self, path: Path) -> None:
        """Write the card as JSON, CSV or Markdown, by the file's ending."""
        from app.document.card_export import write_card

        card = self.card()
        if card is None:
            return
        try:
            write_card(card, path)
        except FormwrightError as error:
            self._notices.say(error)
            return
        self._notices.noted(_tr("Saved {0}").format(path.name))

    # --------------------------------------------------------------------------------------------------------------

    def _heard(self, report: dict[str, Any]) -> None:
        self.reports.append(report)
        self.told()

    def _learnt(self, _: object) -> None:
        self.row = None
        assert self.model is not None
        if self._document.study.study == PREDICT:
            self._document.set_file_input(MODEL, str(self.model))
        else:
            offers = ((_tr("Predict with it"), partial(self._inputs.use_model, self.model)),)
            text = _tr("{0} is learnt.").format(self.model.name)
            self._notices.said(Message(text, kind="note", offers=offers, about=str(self.model)))
        self.changed()

    def _diagnosed(self, _: object) -> None:
        self.row, self.diagnosing = None, ""
        self.changed()

    def _failed(self, error: BaseException) -> None:
        self.row, self.diagnosing = None, ""
        if isinstance(error, TaskCancelledError):
            self.outcome = _tr("Cancelled. Nothing was written.")
        else:
            self.outcome = str(error) if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
            self._notices.say(error, about=str(self.model))
        self.changed()

    def _follow(self) -> None:
        """Undo, or another document, may have brought another model."""
        named = model_of(self._document.project)
        if named != self._shown:
            self._shown = named
            self.changed()


def model_of(project: Project) -> str:
    """The model's file of the study that predicts, the present one or one that rests; "" where there is none."""
    resting = [project.resting[key].study for key in (REGRESSION, KIND + PREDICT) if key in project.resting]
    studies = [study for study in (project.study, *resting) if study.study == PREDICT]
    return studies[0].inputs.get(MODEL, "") if studies else ""


def _written(path: Path | None) -> int:
    """When a file was written last [ns]; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns if path is not None else 0
    except OSError:
        return 0


def _train(
    data: Path,
    split: Mapping[str, str],
    model: Path,
    values: Mapping[str, Any],
    report: Report,
    stopping: Callable[[], bool],
) -> None:
    """In a process of its own: the window knows no torch."""
    on_one_thread()
    training = importlib.import_module("engine.regression.learning.training")
    saved = importlib.import_module("engine.regression.saved_model")
    said: list[Any] = ["", 0.0]

    def progress(title: str, fraction: float) -> None:
        said[:] = [title, fraction]
        report(title, fraction)

    def told(each: Any) -> None:
        report(said[0], said[1], news=dict(vars(each)))

    options = TrainingParameters.parse(dict(values), owner="training")
    dataset = _dataset(data, split, report)
    learnt = training.train(dataset, options, progress=progress, stop=stopping, told=told)
    unseen = importlib.import_module("engine.regression.learning.unseen")
    saved.save_regression(unseen.measured_on_test(learnt, dataset, progress=report, stop=stopping), model)


def _diagnose(
    data: Path, split: Mapping[str, str], model: Path, what: Diagnosis, report: Report, stopping: Callable[[], bool]
) -> None:
    """In a process of its own: measure, and write the model again with what was found."""
    on_one_thread()
    diagnosis = importlib.import_module("engine.regression.learning.diagnosis")
    saved = importlib.import_module("engine.regression.saved_model")
    found = diagnosis.diagnosed(
        saved.load_regression(model), _dataset(data, split, report), curve=what == "curve", split=what == "split",
        progress=report, stop=stopping,
    )  # fmt: skip
    saved.save_regression(found, model)


def _dataset(data: Path, split: Mapping[str, str], report: Report) -> Any:
    report("Reading", None)
    reading = importlib.import_module("engine.regression.data.reading")
    looking = importlib.import_module("engine.regression.looking")
    return looking.with_split(reading.read_dataset(data), split)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Training", text)
