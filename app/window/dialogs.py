"""File dialogs and the export dialog: choices that a person makes about files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.document.file import SUFFIX
from app.document.project import FILE_ROLES
from app.viewport.viewing import Viewing
from app.work.workbench import Workbench
from engine.protocol.study import MODEL, MODEL_EXTENSION
from engine.protocol.trajectory import INDEX

if TYPE_CHECKING:
    from app.panels.export_dialog import ExportDialog
    from app.panels.judging_dialog import JudgingDialog
    from app.panels.learning_dialog import LearningDialog
    from app.panels.motion_dialog import MotionDialog
    from app.panels.picture_dialog import PictureDialog
    from app.panels.question_dialog import QuestionDialog
    from app.panels.sensitivity_dialog import SensitivityDialog
    from app.work.notices import Question


class Dialogs:
    """Asks for files, beside what was opened last."""

    def __init__(self, window: QWidget, workbench: Workbench, viewing: Viewing) -> None:
        self._window = window
        self._workbench = workbench
        self._viewing = viewing
        self.export: ExportDialog | None = None
        self.picture: PictureDialog | None = None
        self.motion: MotionDialog | None = None
        self.sensitivity: SensitivityDialog | None = None
        self.learning: LearningDialog | None = None
        self.judging: JudgingDialog | None = None
        self.question: QuestionDialog | None = None
        self._questions: list[Question] = []

    def open_files(self) -> None:
        """Ask for geometry or studies, and open them."""
        from engine.io.registry import extensions

        every = sorted({suffix for group in extensions("read").values() for suffix in group})
        every = [SUFFIX, *every, ".toml", MODEL_EXTENSION, ".npz"]
        patterns = [*("*" + suffix for suffix in every), INDEX]
        known = _tr("Documents, meshes, scans, studies and simulations") + f" ({' '.join(patterns)})"
        names, _ = QFileDialog.getOpenFileNames(
            self._window, _tr("Open"), str(self.folder()), f"{known};;{_tr('All files')} (*)"
        )
        self._workbench.files.open([Path(name) for name in names])

    def open_samples(self) -> None:
        """Ask for a data set in one file."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, _tr("Open a data set"), str(self.folder()), _tr("Data sets") + " (*.npz)"
        )
        if name:
            self._workbench.samples.open(Path(name))

    def open_samples_folder(self) -> None:
        """Ask for a folder of samples."""
        name = QFileDialog.getExistingDirectory(self._window, _tr("Folder of samples"), str(self.folder()))
        if name:
            self._workbench.samples.open(Path(name))

    def save_samples(self) -> None:
        """Ask where to write a copy of the data set that is open."""
        look = self._workbench.samples.look
        if look is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, _tr("Save a copy of the samples"), str(self.folder() / f"{look.name}.npz"),
            _tr("Data sets") + " (*.npz)",
        )  # fmt: skip
        if name:
            self._workbench.samples.save_copy(Path(name).with_suffix(".npz"))

    def export_card(self) -> None:
        """Ask where to write the card of the regression model."""
        from app.document.card_export import ENDINGS

        model = self._workbench.training.model_path
        suggested = model.with_suffix(".json") if model is not None else self.folder() / "card.json"
        kinds = ";;".join(f"{ending[1:].upper()} (*{ending})" for ending in ENDINGS)
        name, _ = QFileDialog.getSaveFileName(self._window, _tr("Export the card"), str(suggested), kinds)
        if name:
            self._workbench.training.export_card(Path(name) if Path(name).suffix else Path(name + ".json"))

    def open_for(self, role: str) -> None:
        """Ask for a file that is to play a role in the study."""
        from engine.io.registry import extensions

        every = sorted({suffix for group in extensions("read").values() for suffix in group})
        patterns = [*("*" + suffix for suffix in every), *(["*.csv", INDEX] if role in FILE_ROLES else [])]
        if role == MODEL:
            patterns = ["*" + MODEL_EXTENSION]
        name, _ = QFileDialog.getOpenFileName(
            self._window, _tr("Choose"), str(self.folder()),
            f"{_tr('What can be met')} ({' '.join(patterns)});;{_tr('All files')} (*)",
        )  # fmt: skip
        if name:
            self._workbench.inputs.use_file(role, Path(name))

    def open_folder_for(self, role: str) -> None:
        """Ask for the folder of a trajectory that is to play a role in the study."""
        name = QFileDialog.getExistingDirectory(self._window, _tr("Folder of a trajectory"), str(self.folder()))
        if name:
            self._workbench.inputs.use_file(role, Path(name))

    def save_study(self) -> None:
        """Ask where to write the study."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, _tr("Save study"), str(self.folder() / "study.toml"), _tr("Study") + " (*.toml)"
        )
        if name:
            self._workbench.files.save_study(Path(name).with_suffix(".toml"))

    def save_scene(self) -> None:
        """Ask where to write the scene."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, _tr("Save scene"), str(self.folder() / "scene.toml"), _tr("Scene") + " (*.toml)"
        )
        if name:
            self._workbench.files.save_scene(Path(name).with_suffix(".toml"))

    def replay_folder(self) -> Path | None:
        """Ask for a new folder for what repeats the run."""
        target = self._workbench.document.inputs().get("target")
        stem = Path(target.name).stem if target is not None else "part"
        name, _ = QFileDialog.getSaveFileName(
            self._window, _tr("Save replay"), str(self.folder() / f"{stem}-replay"), _tr("Folder") + " (*)"
        )
        return Path(name) if name else None

    def save_picture(self) -> None:
        """The dialog of pictures and turntables, beside the running window."""
        from app.panels.picture_dialog import PictureDialog

        dialog = PictureDialog(self._workbench.pictures, self.folder() / "picture.png", self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.picture = dialog
        dialog.show()

    def export_motion(self, suffix: str = ".glb") -> None:
        """The dialog of motions, beside the running window; `suffix` is the format that it suggests."""
        from app.panels.motion_dialog import MotionDialog

        dialog = MotionDialog(self._workbench.motions, self.folder() / f"motion{suffix}", self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.motion = dialog
        dialog.show()

    def show_sensitivity(self) -> None:
        """The dialog that differentiates numbers of a simulation, beside the running window."""
        from app.panels.sensitivity_dialog import SensitivityDialog

        dialog = SensitivityDialog(self._workbench.sensing, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.sensitivity = dialog
        dialog.show()

    def ask(self, question: Question) -> None:
        """Ask what only a person knows; of several questions one after the other."""
        self._questions.append(question)
        if len(self._questions) == 1:
            self._ask_next()

    def learn_shapes(self) -> None:
        """The dialog that learns a shape space from a folder, beside the running window."""
        from app.panels.learning_dialog import LearningDialog

        dialog = LearningDialog(self._workbench.learning, self.folder(), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.learning = dialog
        dialog.show()

    def select_candidates(self) -> None:
        """The dialog that names meshes below a limit, beside the running window."""
        from app.panels.judging_dialog import JudgingDialog

        dialog = JudgingDialog(self._workbench.judging, self.folder(), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.judging = dialog
        dialog.show()

    def save_losses(self) -> None:
        """Ask where to write the loss curves: the plot as it is, or all values."""
        kinds = {_tr("Picture of the plot") + " (*.svg)": ".svg", _tr("Table of all values") + " (*.csv)": ".csv"}
        name, kind = QFileDialog.getSaveFileName(
            self._window, _tr("Save loss curves"), str(self.folder() / "losses.svg"), ";;".join(kinds)
        )
        if name:
            path = Path(name)
            known = path.suffix.lower() in kinds.values()
            self._workbench.curves.save(path if known else path.with_suffix(kinds.get(kind, ".svg")))

    def export_surface(self) -> None:
        """The export dialog, beside the running window."""
        from app.panels.export_dialog import ExportDialog

        target = self._workbench.document.inputs().get("target")
        stem = Path(target.name).stem if target is not None else "surface"
        suggested = self.folder() / f"{stem}-{self._workbench.document.study.study}.stl"
        dialog = ExportDialog(self._workbench, suggested, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.export = dialog
        dialog.show()

    def folder(self) -> Path:
        """Where dialogs begin."""
        paths = self._workbench.document.recent.paths()
        return paths[0].parent if paths else Path.home()

    def _ask_next(self) -> None:
        from app.panels.question_dialog import QuestionDialog

        self.question = QuestionDialog(self._questions[0], self._window)
        self.question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question.finished.connect(self._asked)
        self.question.show()

    def _asked(self) -> None:
        del self._questions[0]
        if self._questions:
            self._ask_next()


def _tr(text: str) -> str:
    return QCoreApplication.translate("Dialogs", text)
