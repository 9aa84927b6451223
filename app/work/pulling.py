"""Pulling at bodies with the mouse: a spring that the simulation feels while it runs. Nothing of it is undone."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.topic import Topic
from app.viewport.view import Viewport
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from engine.protocol.edits import Pull
from engine.protocol.scene import Gripper, Obstacle


class Pulling:
    """Carries pulls to the engine, at most one a frame: of several between two frames the latest counts. A paused
    simulation feels it once it goes on. The topic `refused` tells why something cannot be pulled.
    """

    def __init__(self, document: Document, link: EngineLink, playing: Playing, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._playing = playing
        self._notices = notices
        self.refused = Topic()
        self._waiting: Pull | None = None
        self._sent: Pull | None = None
        self._refused = False

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to its pull tool."""
        viewport.pulled.connect(self.pull)
        self.refused.subscribe(viewport.refuse_pull)

    def pull(self, body: str, vertex: int, target: tuple[float, float, float] | None) -> None:
        """Pull a vertex of a body to a place [mm]; None lets go."""
        if target is None:
            self._let_go()
            return
        why_not = self._why_not(body)
        if not why_not:
            if not self._playing.live:
                self._playing.go_live()
            self._waiting = Pull(body=body, vertex=vertex, target=target)
            return
        self.refused(why_not)
        if not self._refused:  # once for a press, not for each of its moves
            self._refused = True
            self._notices.noted(why_not)

    def frame(self) -> None:
        """Once a frame: send what has come."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._sent = waiting
            self._link.send(waiting)

    def _let_go(self) -> None:
        self._waiting, self._refused = None, False
        sent, self._sent = self._sent, None
        if sent is not None:
            self._link.send(sent.model_copy(update={"target": None}))

    def _why_not(self, body: str) -> str:
        """Why this cannot be pulled now; "" where it can."""
        if self._playing.from_disk or not self._document.run.active:
            return _tr("Nothing runs that could be pulled")
        scene = self._document.study.scene
        moved = [] if scene is None else [one.name for one in scene.bodies() if isinstance(one, Obstacle | Gripper)]
        return _tr("{0} moves as its motion says, and cannot be pulled").format(body) if body in moved else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("Pulling", text)
