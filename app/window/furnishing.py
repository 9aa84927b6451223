"""What the window is filled with after its first paint: the Document, the engine's link, and the panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.entries import palette_entries
from app.actions.palette import CommandPalette
from app.document.document import Document
from app.document.preferences import KeptPreferences
from app.document.recent import RecentFiles
from app.window.dialogs import Dialogs
from app.window.docks import scrolling
from app.work.documents import Documents
from app.work.engine_link import EngineLink
from app.work.engine_rows import EngineRows
from app.work.keeping import Keeping
from app.work.logbook import Logbook
from app.work.sharing import Sharing
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.protocol.study import MODEL

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

SELECT_TOOLS = (
    tuple(f"select.{mode}" for mode in ("click", "connected", "box", "lasso", "brush", "geodesic")),
    tuple(f"select.rim-{profile}" for profile in ("constant", "linear", "smooth")),
    ("select.through",),
)
"""Ids of the actions in the menu of the selections panel; a line parts the groups."""

COLOURS = tuple(f"view.colour-{name}" for name in ("plain", "strain", "bending-energy", "contact-pressure", "friction"))
"""Ids of the actions in the colour menu of the timeline."""


def make_rooms(window: MainWindow) -> None:
    """Give the window its Document and what works on it; nothing of it is seen."""
    window.preferences = KeptPreferences(window.settings_file)
    window.logbook = Logbook(window.store / "logs" if window.store else None)
    window.tasks = Tasks()
    window.document = Document(recent=RecentFiles(window.store / "recent.json" if window.store else None))
    window.link = EngineLink(window.document, window.tasks, window.make_session)
    window.engine_rows = EngineRows(window.link, window.tasks)
    window.workbench = Workbench(window.document, window.link, window.tasks, window.store)
    window.documents = Documents(window.document, window.link, window.tasks, window.workbench.notices)
    window.keeping = Keeping(
        window.store / "recovery" if window.store else None,
        window.document,
        window.link,
        window.documents,
        window.tasks,
        window.workbench.notices,
    )
    window.workbench.files.document_wanted.subscribe(window.documents.open)
    window.dialogs = Dialogs(window, window.workbench, window.viewing)
    window.sharing = Sharing(window.workbench, window.logbook)


def fill_docks(window: MainWindow) -> None:
    """Put the panels into the docks and the empty state into the middle, and connect them."""
    from app.panels.closing_card import ClosingCard
    from app.panels.compare_bar import CompareBar
    from app.panels.empty_state import EmptyState
    from app.panels.gallery_panel import GalleryPanel
    from app.panels.history_panel import HistoryPanel
    from app.panels.inputs_form import InputsForm
    from app.panels.latent_card import LatentCard
    from app.panels.log_panel import LogPanel
    from app.panels.model_inputs_card import ModelInputsCard
    from app.panels.model_panel import ModelPanel
    from app.panels.objects_panel import ObjectsPanel
    from app.panels.prediction_card import PredictionCard
    from app.panels.properties_panel import PropertiesPanel
    from app.panels.results_card import ResultsCard
    from app.panels.samples_panel import SamplesPanel
    from app.panels.scene_panel import ScenePanel
    from app.panels.selections_panel import SelectionsPanel
    from app.panels.study_panel import StudyPanel
    from app.panels.tasks_panel import TasksPanel
    from app.panels.timeline import Timeline
    from app.window.document_listening import DocumentListening
    from app.window.examining import Examining
    from app.window.listening import Listening
    from app.window.preferring import Preferring
    from app.window.workspaces import Workspaces

    document = window.document
    catalogue = window.kept_catalogue()
    if catalogue is not None:
        document.set_catalogue(catalogue)
    window.objects = ObjectsPanel(document, window.workbench, window)
    window.gallery = GalleryPanel(document, parent=window)
    window.properties = PropertiesPanel(document, window.workbench, window)
    window.selections = SelectionsPanel(document, window.workbench, window)
    window.selections.tools.set_actions([[window.registry.drawn(id) for id in ids] for ids in SELECT_TOOLS])
    window.scene_panel = ScenePanel(document, window.workbench, window)
    window.samples = SamplesPanel(window.workbench.samples, window)
    window.samples.file_wanted.connect(window.dialogs.open_samples)
    window.samples.folder_wanted.connect(window.dialogs.open_samples_folder)
    window.samples.copy_wanted.connect(window.dialogs.save_samples)
    window.model = ModelPanel(window.workbench.training, window.workbench.samples, window)
    window.link.run_changed.subscribe(window.workbench.training.look_again)
    for topic in (window.workbench.training.changed, window.workbench.samples.progressed):
        topic.subscribe(window.registry.refresh)
    window.model.open_wanted.connect(lambda: window.dialogs.open_for(MODEL))
    window.model.card.export_wanted.connect(window.dialogs.export_card)
    window.study = StudyPanel(document, window)
    inputs, results = (
        InputsForm(document, window.workbench.inputs, window),
        ResultsCard(window.workbench.results, window),
    )
    inputs.file_wanted.connect(window.dialogs.open_for)
    inputs.folder_wanted.connect(window.dialogs.open_folder_for)
    results.export_wanted.connect(window.dialogs.export_surface)
    workbench = window.workbench
    prediction = PredictionCard(workbench.predicting, workbench.probing, window.viewing, window)
    scalars = ModelInputsCard(workbench.predicting, window)
    closing = ClosingCard(workbench.closing, window)
    closing.export_wanted.connect(window.dialogs.export_surface)
    above = (inputs, prediction, closing, scalars, LatentCard(document, workbench.latent, window))
    window.study.add_sections(above, (results,))
    window.link.begun.subscribe(lambda: window.show_dock("study") if workbench.predicting.chosen else None)
    workbench.predicting.shown.subscribe(window.viewing.colour_by)
    workbench.predicting.changed.subscribe(lambda: window.study.terms.set_names(workbench.predicting.offers()))
    window.history = HistoryPanel(window.workbench, window)
    window.task_list = TasksPanel(window.tasks.rows, window)
    window.log = LogPanel(window.logbook, window)
    window.set_empty_state(EmptyState(document, window))
    window.compare_bar = CompareBar(window.workbench.comparing, window)
    window.add_bar(window.compare_bar)
    window.timeline = Timeline(window.workbench.playing, window)
    window.timeline.add_colours(
        [window.registry.drawn(id) for id in COLOURS], window.registry.refresh, window.workbench.sensing
    )
    window.workbench.sensing.shown.subscribe(window.viewing.colour_by)
    window.timeline.add_action_button(window.registry.drawn("file.motion"))
    window.set_timeline(window.timeline)
    for name, panel in (
        ("objects", window.objects),
        ("gallery", window.gallery),
        ("properties", window.properties),
        ("selections", scrolling(window.selections)),
        ("scene", window.scene_panel),
        ("samples", window.samples),
        ("model", scrolling(window.model, across=False)),
        ("study", window.study),
        ("history", window.history),
        ("tasks", window.task_list),
        ("log", window.log),
    ):
        dock = window.docks[name]
        blank = dock.widget()
        dock.setWidget(panel)
        panel.show()
        blank.deleteLater()
    window.palette_of_commands = CommandPalette(window, lambda: palette_entries(window))
    window.workspaces = Workspaces(window)
    window.examining = Examining(window)
    window.workspaces.changed.subscribe(window.examining.refresh)
    window.listening = Listening(window)
    window.preferring = Preferring(window)
    window.document_listening = DocumentListening(window)
