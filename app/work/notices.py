"""What the window says to a person: the bar over the viewport, and the short words in the status bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.document.topic import Topic
from app.panels.error_bar import Message
from app.work.task_rows import TaskCancelledError
from engine.core.errors import FormwrightError


@dataclass(frozen=True)
class Question:
    """What only a person knows.

    text : what is not known, a sentence
    readings : each answer -> what it would mean
    answer : goes on with an answer
    """

    text: str
    readings: Mapping[str, str]
    answer: Callable[[str], object]


class Notices:
    """Topics: `said` (Message for the bar over the viewport), `past` (what Messages were about that go now), `noted`
    (a short text for the status bar), `asked` (Question)."""

    def __init__(self) -> None:
        self.said = Topic()
        self.past = Topic()
        self.noted = Topic()
        self.asked = Topic()

    def say(self, error: BaseException, *, about: str = "") -> None:
        """Show an error in the bar; that a task was cancelled needs no word to who has cancelled it."""
        if isinstance(error, TaskCancelledError):
            return
        if isinstance(error, FormwrightError):
            self.said(Message(error.message, error.remedy, about=about))
        else:
            self.said(Message(f"{type(error).__name__}: {error}", about=about))
