"""The Study menu: what is optimised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def study_commands(window: MainWindow) -> list[Action]:
    """What is optimised."""

    def can_reset() -> bool:
        return window.document.catalogue is not None and not window.document.run.active

    def has_input() -> bool:
        return bool(window.document.study.inputs) or window.document.study.scene is not None

    def save_replay() -> None:
        folder = window.dialogs.replay_folder()
        if folder is not None:
            window.sharing.save_replay(folder)

    def can_predict_sample() -> bool:
        return not why_no_sample()

    def why_no_sample() -> str:
        samples = window.workbench.samples
        if samples.look is None or samples.sample is None:
            return tr("Open samples first")
        return tr("End the run first: it is about another part") if window.document.run.active else ""

    def predict_sample() -> None:
        samples = window.workbench.samples
        if samples.look is not None and samples.sample is not None:
            window.workbench.predicting.predict_sample(samples.look.path, samples.look.rows[samples.sample].name)

    return [
        Action("study.reset", tr("Reset parameters"), lambda: window.workbench.files.reset_study(), "Study",
               icon="reset", enabled=can_reset, group="study",
               help=tr("All parameters, terms and weights as they were at first")),
        Action("study.learn-shapes", tr("Learn a shape space…"), lambda: window.dialogs.learn_shapes(), "Study",
               icon="folder", group="study",
               help=tr("From a folder of meshes of one kind: a Model of them, to complete scans with")),
        Action("study.predict-sample", tr("Predict this sample"), predict_sample, "Study",
               icon="target", enabled=can_predict_sample, why_not=why_no_sample, group="study",
               help=tr("The sample that is chosen becomes the part, with its scalars")),
        Action("study.select-candidates", tr("Select candidates…"), lambda: window.dialogs.select_candidates(), "Study",
               icon="tasks", group="study", enabled=lambda: bool(window.workbench.judging.model),
               help=tr("Which meshes of a folder are below a limit, with few false ones among them")),
        Action("study.train", tr("Train a model"), lambda: window.model.begin(), "Study", icon="run",
               enabled=lambda: not window.workbench.training.why_not,
               why_not=lambda: window.workbench.training.why_not, group="model",
               help=tr("Learn to predict fields and numbers from the samples that are for training")),
        Action("study.learning-curve", tr("Learning curve"), lambda: window.model.card.measure("curve"), "Study",
               icon="fit", enabled=lambda: not window.workbench.training.why_no_diagnosis,
               why_not=lambda: window.workbench.training.why_no_diagnosis, group="model",
               help=tr("Learn from fewer samples, to see what more of them would bring")),
        Action("study.error-split", tr("Error split"), lambda: window.model.card.measure("split"), "Study",
               enabled=lambda: not window.workbench.training.why_no_diagnosis,
               why_not=lambda: window.workbench.training.why_no_diagnosis, group="model",
               help=tr("Measure what of the error is the mesh's, the modes' and the regression's")),
        Action("study.export-card", tr("Export the model's card…"), lambda: window.dialogs.export_card(), "Study",
               icon="export", enabled=lambda: window.workbench.training.card() is not None, group="model",
               help=tr("The card as JSON, CSV or Markdown")),
        Action("study.copy-command", tr("Copy as command line"), lambda: window.sharing.copy_command_line(), "Study",
               "Ctrl+Shift+C", "copy", enabled=has_input, group="copy",
               help=tr("The command that does the same without a window")),
        Action("study.copy-python", tr("Copy as Python"), lambda: window.sharing.copy_python(), "Study",
               icon="copy", enabled=has_input, group="copy",
               help=tr("A script that does the same, with all that steered the run")),
        Action("study.save-replay", tr("Save replay…"), save_replay, "Study",
               icon="save", enabled=lambda: window.document.run.exists and window.link.alive, group="copy",
               help=tr("A folder with the study and all that steered its run, to do it again without a window")),
    ]  # fmt: skip
