"""What a person can do: the operations behind actions, panels and the viewport. It draws nothing itself."""

from __future__ import annotations

from pathlib import Path

from app.document.document import Document
from app.viewport.view import Viewport
from app.work.branching import Branching
from app.work.clipping import Clipping
from app.work.closing import Closing
from app.work.comparing import Comparing
from app.work.curves import Curves
from app.work.drawing import Drawing
from app.work.earlier_runs import EarlierRuns
from app.work.engine_link import EngineLink
from app.work.exporting import Exporting
from app.work.files import Files
from app.work.inputs import Inputs
from app.work.judging import Judging
from app.work.latent import Latent
from app.work.learning import Learning
from app.work.masking import Masking
from app.work.measuring import Measuring
from app.work.motions import Motions
from app.work.notices import Notices, Question
from app.work.pictures import Pictures
from app.work.playing import Playing
from app.work.predicting import Predicting
from app.work.probing import Probing
from app.work.pulling import Pulling
from app.work.readings import Readings
from app.work.repairing import Repairing
from app.work.results import Results
from app.work.running import Running
from app.work.samples import Samples
from app.work.scene import Scene
from app.work.scene_drawing import SceneDrawing
from app.work.selecting import Selecting
from app.work.sensing import Sensing
from app.work.staging import Staging
from app.work.steering import Steering
from app.work.target import Target
from app.work.task_rows import Unfinished
from app.work.tasks import Tasks
from app.work.training import Training
from engine.protocol.snapshot import QuestionRaised


class Workbench:
    """The rooms of work on one Document, each with the operations of its name."""

    def __init__(self, document: Document, link: EngineLink, tasks: Tasks, store: Path | None = None) -> None:
        """store : folder of what is kept for the next start; None keeps nothing"""
        self.document = document
        self.link = link
        self.tasks = tasks
        self.notices = Notices()
        target = Target(document)
        self.drawing = Drawing(document, link)
        self.running = Running(document, link, self.drawing, target, self.notices)
        self.scene = Scene(document, target, self.notices)
        self.selecting = Selecting(document, tasks, self.notices)
        self.masking = Masking(document, link, self.selecting, self.notices)
        self.steering = Steering(document, self.masking, self.notices)
        self.clipping = Clipping(document)
        self.measuring = Measuring(document, self.notices)
        self.repairing = Repairing(document, tasks, self.notices)
        self.exporting = Exporting(document, link, tasks, self.notices)
        self.branching = Branching(document, link, self.notices)
        self.earlier = EarlierRuns(document, link, self.drawing, self.notices)
        self.comparing = Comparing(document, link, self.drawing, self.notices)
        self.pictures = Pictures(self.drawing, tasks, self.notices)
        self.playing = Playing(document, link, self.drawing, self.notices)
        self.motions = Motions(document, self.playing, self.pictures, tasks, self.notices)
        self.readings = Readings(self.playing)
        self.sensing = Sensing(document, link, self.drawing, self.playing, self.notices)
        self.pulling = Pulling(document, link, self.playing, self.notices)
        self.staging = Staging(document, self.notices)
        self.scene_drawing = SceneDrawing(document, self.staging, link)
        self.curves = Curves(document, self.notices)
        self.files = Files(document, tasks, self.notices, target, self.drawing, self.running, self.repairing)
        link.asked.subscribe(self._ask)
        self.files.motion_wanted.subscribe(self.playing.open)
        recordings = store / "recordings" if store is not None else None
        self.inputs = Inputs(document, self.files, self.playing, tasks, self.notices, recordings)
        self.running.lack = lambda: self.inputs.lack
        self.files.model_wanted.subscribe(self.inputs.use_model)
        self.latent = Latent(document, link, self.running)
        self.samples = Samples(document, tasks, self.notices)
        self.files.samples_wanted.subscribe(self.samples.open)
        self.training = Training(document, self.samples, self.inputs, tasks, self.notices)
        self.learning = Learning(document, self.inputs, tasks, self.notices)
        self.predicting = Predicting(document, link, self.drawing, self.running, tasks, self.notices)
        self.judging = Judging(document, self.predicting, tasks, self.notices)
        self.probing = Probing(document, link, self.predicting, self.notices)
        self.closing = Closing(
            document, link, self.predicting, self.running, self.samples, self.training, tasks, self.notices
        )
        self.results = Results(document, link, self.staging, self.notices)
        self.results.changed.subscribe(lambda: self.scene_drawing.show_ways(self.results.curves()))

    def set_viewport(self, viewport: Viewport) -> None:
        """Draw into this one, and listen to what is done in it."""
        self.drawing.set_viewport(viewport)
        self.steering.set_viewport(viewport)
        self.scene.set_viewport(viewport)
        self.selecting.set_viewport(viewport)
        self.clipping.set_viewport(viewport)
        self.measuring.set_viewport(viewport)
        self.scene_drawing.set_viewport(viewport)
        self.pulling.set_viewport(viewport)
        self.probing.set_viewport(viewport)
        viewport.files_dropped.connect(lambda paths: self.files.open([Path(path) for path in paths]))

    def unfinished(self) -> list[Unfinished]:
        """What closing the window would end, and may have taken long."""
        return [work for work in (self.training.unfinished, self.learning.unfinished) if work is not None]

    def end_stroke(self) -> None:
        """What was done with the mouse is over: what comes next is another step of undo."""
        self.document.undo_stack.end_gesture()

    def close(self) -> None:
        """End the engine and whatever else is under way."""
        self.files.opener.cancel_all()
        self.playing.close()
        self.link.close()
        self.tasks.close()
        self.samples.close()
        self.files.opener.close()

    def _ask(self, event: QuestionRaised) -> None:
        """Ask what a Run has to know before it can begin; the answer is a parameter, and begins it."""

        def answer(value: str) -> None:
            self.running.begin_otherwise({event.parameter: value})

        self.notices.asked(Question(event.question, event.readings, answer))
