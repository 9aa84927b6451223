"""The scene of objects: which are open, and what each is for."""

from __future__ import annotations

from app.document.document import Document
from app.panels.error_bar import RUN
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.target import Target


class Scene:
    """What a person does with objects; each is a step of undo."""

    def __init__(self, document: Document, link: EngineLink, target: Target, notices: Notices) -> None:
        self._document = document
        self._link = link
        self._target = target
        self._notices = notices

    def close(self, name: str) -> None:
        """Take an object out of the scene."""
        was_target = self._document.role_of(name) == "target"
        self._document.remove_object(name)
        self._notices.past(name)
        if was_target and not self._document.run.active:
            self._notices.past(RUN)

    def use_as_target(self, name: str) -> None:
        """The study is about this object from now on."""
        self._notices.noted(self._target.use(name))
        if not self._document.run.active:
            self._notices.past(RUN)

    def close_everything(self) -> None:
        """Stop the run, close all objects."""
        if self._document.run.active:
            self._link.stop()
        for item in list(self._document.objects):
            self._document.remove_object(item.name)
        self._link.forget_run()
        self._notices.past("")
