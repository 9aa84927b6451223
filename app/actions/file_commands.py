"""The File menu: opening, saving, writing results, closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def file_commands(window: MainWindow) -> list[Action]:
    """Opening, saving, writing results, closing."""

    def has_result() -> bool:
        return window.document.run.iterations > 0 and window.link.alive

    def has_something() -> bool:
        named = window.documents.path is not None or window.workbench.training.model_path is not None
        return named or can_close() or window.document.run.exists

    def can_close() -> bool:
        return has_objects() or bool(window.document.project.samples.data)

    def has_objects() -> bool:
        return bool(window.document.objects)

    def has_frames() -> bool:
        return window.workbench.playing.there

    return [
        Action("file.new", tr("New"), lambda: window.documents.new(), "File", "Ctrl+N", group="open",
               help=tr("Begin a document with nothing in it")),
        Action("file.open", tr("Open…"), lambda: window.dialogs.open_files(), "File", "Ctrl+O", "open", group="open",
               help=tr("Open a document, meshes, scans, a study or a scene")),
        Action("file.open-samples", tr("Open data set…"), lambda: window.dialogs.open_samples(), "File", group="open",
               help=tr("Open samples to learn a simulation from: one .npz")),
        Action("file.open-samples-folder", tr("Open folder of samples…"), lambda: window.dialogs.open_samples_folder(),
               "File", icon="folder", group="open",
               help=tr("Open samples to learn a simulation from: a mesh file each, and scalars.csv")),
        Action("file.save", tr("Save"), lambda: window.documents.save(), "File", "Ctrl+S", "save", group="save",
               enabled=has_something, help=tr("Save all that is open, with the run and its history")),
        Action("file.save-as", tr("Save as…"), lambda: window.documents.save_as(), "File", "Ctrl+Shift+S",
               group="save", enabled=has_something, help=tr("Save the document under another name")),
        Action("file.save-study", tr("Save study…"), lambda: window.dialogs.save_study(), "File", "", "save",
               group="save", help=tr("Save what is set up as a study, for formwright run")),
        Action("file.save-scene", tr("Save scene…"), lambda: window.dialogs.save_scene(), "File", "", "save",
               group="save", enabled=lambda: window.workbench.staging.scene is not None,
               help=tr("Save what is simulated as a scene, for formwright simulate")),
        Action("file.export", tr("Export surface…"), lambda: window.dialogs.export_surface(), "File", "Ctrl+E",
               "export", enabled=has_result, group="save",
               help=tr("Write the surface to a file, with its quality sheet")),
        Action("file.motion", tr("Export motion…"), lambda: window.dialogs.export_motion(), "File", "Ctrl+Shift+E",
               "film", group="save", enabled=has_frames,
               help=tr("Frames of the simulation as an animation, meshes, a table or a film")),
        Action("file.picture", tr("Save picture…"), lambda: window.dialogs.save_picture(), "File", "Ctrl+Shift+P",
               "film", group="save", enabled=has_objects, help=tr("A picture of the view, or a turntable as a film")),
        Action("file.losses", tr("Save loss curves…"), lambda: window.dialogs.save_losses(), "File", icon="save",
               group="save", enabled=lambda: window.workbench.curves.there,
               help=tr("As a picture for a paper (SVG) or as a table (CSV)")),
        Action("file.close-all", tr("Close everything"), lambda: window.documents.new(), "File",
               "Ctrl+W", enabled=can_close, group="close"),
        Action("file.quit", tr("Quit"), window.close, "File", "Ctrl+Q", group="quit"),
    ]  # fmt: skip
