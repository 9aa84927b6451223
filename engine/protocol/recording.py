"""Recordings: the Edits of a session with the moment at which each acted, so that it can be repeated.

A recording is a text, one JSON object a line:

    {"format": 1, "formwright": "0.1.0"}
    {"step": 40, "iteration": 40, "branch": "main", "edit": {"edit": "set-weight", "term": "fit", "weight": 2.0}}
    {"step": 90, "iteration": 90, "branch": "main", "edit": {"edit": "rewind", "checkpoint": 3}}
    {"step": 180, "iteration": 135, "branch": "branch 2", "end": true}

"iteration" is the one before which the Edit acted. It falls where a Run goes back, so "step" counts all iterations that
were tried, and never falls: that is when the Edit acts again. A line without "step" acts when its iteration is reached
first, which is how a person writes one. "by": "engine" marks what the engine did by itself, and does again by itself.
The first line and the end may be missing: without an end the Run goes on to its last iteration.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.core.errors import FileError, ParameterError
from engine.protocol.edits import EDIT, Edit
from engine.protocol.study import Study

FORMAT = 1
"""Version of the layout: raised when an older program could not read it."""


@dataclass(frozen=True)
class RecordedEdit:
    """An Edit that acted.

    step : iterations that had been tried, on all branches; None: when `iteration` is reached first
    iteration : the one before which it acted, on `branch`
    edit : its JSON form
    by_engine : the engine did it by itself (a halved step size after a failure)
    """

    iteration: int
    edit: dict[str, Any]
    step: int | None = None
    branch: str = ""
    by_engine: bool = False

    def parsed(self) -> Edit:
        """The Edit itself."""
        return EDIT.validate_python(self.edit)

    def to_line(self) -> str:
        """Its line in a file, with the end of the line."""
        values: dict[str, Any] = {} if self.step is None else {"step": self.step}
        values |= {"iteration": self.iteration, "branch": self.branch, "edit": self.edit}
        if self.by_engine:
            values["by"] = "engine"
        return json.dumps(values) + "\n"


@dataclass(frozen=True)
class RecordedEnd:
    """Where the recorded session ended."""

    iteration: int
    step: int | None = None
    branch: str = ""

    def to_line(self) -> str:
        values: dict[str, Any] = {} if self.step is None else {"step": self.step}
        return json.dumps(values | {"iteration": self.iteration, "branch": self.branch, "end": True}) + "\n"


@dataclass(frozen=True)
class Recording:
    """The Edits of a session in the order in which they acted, and where it ended (None: at its last iteration).

    version : of the program that recorded it, "" where it is not said
    study : as it was started, where the engine gave the recording; no part of the file, which has the study beside it
    """

    edits: tuple[RecordedEdit, ...] = ()
    end: RecordedEnd | None = None
    version: str = ""
    study: Study | None = field(default=None, compare=False)

    def to_text(self) -> str:
        """The lines of its file."""
        lines = [header_line(self.version)]
        lines += [entry.to_line() for entry in self.edits]
        lines += [self.end.to_line()] if self.end is not None else []
        return "".join(lines)


def header_line(version: str) -> str:
    """The first line of a file."""
    return json.dumps({"format": FORMAT, "formwright": version}) + "\n"


def read_recording(path: str | Path, *, cut_off: bool = False) -> Recording:
    """Read an `.jsonl`; raises `FileError` that names the line.

    cut_off : the file may end within a line, because its writer was killed; that line never counted
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise FileError(path, f"the edits cannot be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise FileError(path, "it holds no edits: it is no text.", remedy="Edits are a .jsonl file.") from None
    if cut_off:
        text = text[: text.rfind("\n") + 1]
    return parse_recording(text, name=path)


def parse_recording(text: str, *, name: str | Path = "edits") -> Recording:
    """The Recording in a text; raises `FileError` for `name` that names the line."""
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _parse([(f"line {number}", _json(line, number, name)) for number, line in numbered], name)


def as_recording(lines: Iterable[dict[str, Any]]) -> Recording:
    """The Recording of lines that are objects already, as a script has them; raises `FileError` for "edits"."""
    return _parse([(f"entry {number}", line) for number, line in enumerate(lines, 1)], "edits")


def _json(line: str, number: int, name: str | Path) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f" ({error.msg} at column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise FileError(
            name, f"line {number} is no JSON object{reason}.", remedy="Correct it, or leave the line out."
        ) from None


def _parse(lines: list[tuple[str, Any]], name: str | Path) -> Recording:
    version = ""
    edits: list[RecordedEdit] = []
    end: RecordedEnd | None = None
    step = 0
    for index, (where, values) in enumerate(lines):
        if not isinstance(values, dict):
            raise FileError(name, f"{where} is no JSON object.", remedy="Correct it, or leave the line out.")
        if end is not None:
            raise FileError(name, f"{where} comes after the end.", remedy="Leave it out, or the end before it.")
        if index == 0 and "format" in values:
            version = _version(values, name)
            continue
        try:
            if "end" in values:
                end = RecordedEnd(_count(values, "iteration"), _step(values), str(values.get("branch", "")))
            else:
                edits.append(_edit(values))
        except ParameterError as error:
            raise FileError(name, f"{where}: {error.message}", remedy=error.remedy) from None
        reached = end.step if end is not None else edits[-1].step
        if reached is not None:
            if reached < step:
                raise FileError(
                    name, f"{where}: step {reached} comes after step {step}.", remedy="Put the lines in their order."
                )
            step = reached
    return Recording(tuple(edits), end, version)


def _version(values: dict[str, Any], name: str | Path) -> str:
    if not isinstance(values["format"], int) or values["format"] > FORMAT:
        raise FileError(name, "these edits were written by a newer version.", remedy="Replay them with that version.")
    return str(values.get("formwright", ""))


def _edit(values: dict[str, Any]) -> RecordedEdit:
    if "edit" not in values:
        raise ParameterError("edit", "it is missing.", remedy='A line is {"iteration": 40, "edit": {"edit": …, …}}.')
    try:
        edit = EDIT.validate_python(values["edit"])
    except ValidationError as error:
        first = error.errors()[0]
        parameter = ".".join(["edit", *(str(part) for part in first["loc"])])
        raise ParameterError(parameter, f"{first['msg']}.") from None
    return RecordedEdit(
        _count(values, "iteration"),
        edit.model_dump(mode="json"),
        _step(values),
        str(values.get("branch", "")),
        values.get("by") == "engine",
    )


def _step(values: dict[str, Any]) -> int | None:
    return _count(values, "step") if values.get("step") is not None else None


def _count(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        said = "it is missing" if value is None else f"got {value!r}"
        raise ParameterError(name, f"must be a whole number from 0 on ({said}).")
    return value
