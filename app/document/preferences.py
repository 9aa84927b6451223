"""Preferences: typed, declared once, kept in a SettingsFile."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError, field_validator

from app.document.settings_file import SettingsFile
from app.document.topic import Topic
from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter

MEGABYTE = 2**20


class Preferences(ParameterModel):
    """What a person may set once for all documents."""

    theme: Literal["system", "light", "dark"] = parameter(
        "system", title="Theme", help="As the system has it, light, or dark."
    )
    reduced_motion: bool = parameter(False, title="Reduce motion", help="Nothing flashes, and menus appear at once.")
    digits: int = parameter(
        4, title="Digits", help="Significant digits of lengths and measurements on the screen.", ge=2, le=9
    )
    language: str = parameter("system", title="Language", help="Of the window, from its next start on.")
    undo_memory: int = parameter(
        512, title="Memory for undo", help="The oldest steps of undo go when they hold more than this.",
        unit="MB", ge=16, le=65536, soft_min=64, soft_max=4096, logarithmic=True,
    )  # fmt: skip
    history_memory: int = parameter(
        1024, title="Memory for the history",
        help="Checkpoints beyond this go to the disk. Counts from the next start of the engine on.",
        unit="MB", ge=64, le=262144, soft_min=256, soft_max=16384, logarithmic=True,
    )  # fmt: skip
    autosave_seconds: int = parameter(
        30, title="Keep changes every", help="For the case of a crash: what changed is written beside the document at "
        "least so often.", unit="s", ge=5, le=30, soft_min=5, soft_max=30,
    )  # fmt: skip
    device: str = parameter(
        "auto", title="Device",
        help="Where studies run that do not choose for themselves: auto, cpu, cuda or cuda:N. Counts from the next "
        "start of the engine on.",
    )  # fmt: skip
    threads: int = parameter(
        0, title="Threads", help="Of the engine on the processor; 0 leaves one core to the window. Counts from the "
        "next start of the engine on.", ge=0, le=1024, advanced=True,
    )  # fmt: skip

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        name, _, number = value.partition(":")
        if value not in ("auto", "cpu", "cuda") and not (name == "cuda" and number.isdecimal()):
            raise ValueError(f"{value!r} is none of auto, cpu, cuda, cuda:0, cuda:1, …")
        return value


SECTIONS: dict[str, tuple[str, ...]] = {
    "Window": ("theme", "language", "reduced_motion", "digits"),
    "Memory": ("autosave_seconds", "undo_memory", "history_memory"),
    "Engine": ("device", "threads"),
}
"""Which preferences stand together, by the title of their page."""


class KeptPreferences:
    """The Preferences of a SettingsFile. `changed` is told the name of one that has another value now.

    A value of the file that makes no sense counts as not set, and `problems` names it.
    """

    def __init__(self, file: SettingsFile) -> None:
        self.changed = Topic()
        self._file = file
        self.problems: list[str] = [file.problem] if file.problem else []
        self.values = self._checked()

    def set(self, name: str, value: Any) -> None:
        """Set a preference; its default is not written down, so that a better default can reach everyone.

        Raises `ParameterError` for a value that is not as declared.
        """
        before = getattr(self.values, name)
        self.values = Preferences.parse({**self.values.model_dump(), name: value}, owner="preferences")
        now = getattr(self.values, name)
        self._file.set(name, None if now == Preferences.model_fields[name].default else now)
        if now != before:
            self.changed(name)

    def reset(self) -> None:
        """Everything as it was at first."""
        for name, field in Preferences.model_fields.items():
            self.set(name, field.default)

    def _checked(self) -> Preferences:
        values: dict[str, Any] = {}
        for name in Preferences.model_fields:
            value = self._file.get(name)
            if value is None:
                continue
            try:
                Preferences.model_validate({name: value})
            except (ValidationError, ParameterError):
                self.problems.append(f"The preference {name} cannot be {value!r}: it is as at first.")
            else:
                values[name] = value
        return Preferences.model_validate(values)
