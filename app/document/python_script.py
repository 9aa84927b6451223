"""The Python script that does what the window did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.protocol.recording import Recording
from engine.protocol.study import OptimizerSpec, Study, TermSpec

WIDTH = 100
"""Characters of a line; what does not fit is spread over several."""

INLINE = 8000
"""Characters of Edits that stand in the script; more of them (strokes, masks) go into a file beside it."""


def edits_need_a_file(recording: Recording) -> bool:
    """Whether a script with these Edits reads them from a file, which is to be written with `Recording.to_text`."""
    return len(recording.to_text()) > INLINE


def python_script(
    study: Study,
    recording: Recording | None = None,
    *,
    edits_file: str = "edits.jsonl",
    output: str = "",
) -> str:
    """A script against `engine` that runs the study, steered as it was recorded, and writes the surface.

    study : as it was started
    edits_file : where the script finds the Edits when they are too long for it (`edits_need_a_file`)
    output : the mesh to write; "": called after the target and the study
    """
    output = output or f"{Path(study.inputs.get('target', 'part')).stem}-{study.study}.stl"
    names = ["OptimizerSpec"] * (study.optimizer != OptimizerSpec()) + ["Study"] + ["TermSpec"] * bool(study.terms)
    imports = ["from engine.io.registry import write", f"from engine.protocol.study import {', '.join(names)}"]
    imports.append("from engine.studies.replay import replay")
    definitions = [f"STUDY = {_study(study)}"]
    call = "replay(STUDY)"
    if recording is not None and (recording.edits or recording.end):
        call = "replay(STUDY, edits=EDITS)"
        if edits_need_a_file(recording):
            imports.insert(1, "from engine.protocol.recording import read_recording")
            definitions.append(f"EDITS = read_recording({_literal(edits_file)})")
        else:
            definitions.append(f"EDITS = {_literal(_lines(recording))}")
    return "\n".join(
        [
            '"""What was done in Formwright, as a script."""',
            "",
            *imports,
            "",
            *definitions,
            "",
            'if __name__ == "__main__":  # files are read by a process of its own, which imports this one',
            f"    print(write({call}, {_literal(output)}).path)",
            "",
        ]
    )


def _study(study: Study) -> str:
    values: list[tuple[str, str]] = [("study", _literal(study.study))]
    for name in ("inputs", "units", "parameters"):
        value = getattr(study, name)
        if value:
            values.append((name, _literal(value, 1, taken=len(name) + 1)))
    if study.optimizer != OptimizerSpec():
        values.append(("optimizer", _call("OptimizerSpec", _changed(study.optimizer))))
    if study.terms:
        terms = "".join(f"        {_call('TermSpec', _changed(spec), 2)},\n" for spec in study.terms)
        values.append(("terms", f"[\n{terms}    ]"))
    return "Study(\n" + "".join(f"    {name}={text},\n" for name, text in values) + ")"


def _changed(model: OptimizerSpec | TermSpec) -> dict[str, Any]:
    """What differs from the defaults, and what has none."""
    fields = type(model).model_fields
    values = model.model_dump(mode="json")
    return {
        name: value
        for name, value in values.items()
        if fields[name].is_required() or getattr(model, name) != fields[name].get_default(call_default_factory=True)
    }


def _lines(recording: Recording) -> list[dict[str, Any]]:
    return [json.loads(line) for line in recording.to_text().splitlines()]


def _call(name: str, arguments: dict[str, Any], depth: int = 1) -> str:
    line = f"{name}({', '.join(f'{key}={_literal(value)}' for key, value in arguments.items())})"
    if "\n" not in line and 4 * depth + len(line) <= WIDTH:
        return line
    inner = "    " * (depth + 1)
    rows = [f"{inner}{key}={_literal(value, depth + 1, taken=len(key) + 1)},\n" for key, value in arguments.items()]
    return f"{name}(\n{''.join(rows)}{'    ' * depth})"


def _literal(value: Any, depth: int = 0, *, taken: int = 0) -> str:
    """A JSON value as Python, over several lines where it is long. `taken` characters of the line are used already."""
    if isinstance(value, str):
        text = repr(value)
        return text if '"' in text else f'"{text[1:-1]}"'
    if not isinstance(value, (dict, list, tuple)):
        return repr(value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    items = list(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
    keys = ["" if key is None else f"{_literal(key)}: " for key, _ in items]
    line = ", ".join(f"{key}{_literal(item)}" for key, (_, item) in zip(keys, items, strict=True))
    if "\n" not in line and 4 * depth + taken + len(line) + 3 <= WIDTH:
        return f"{opening}{line}{closing}"
    inner = "    " * (depth + 1)
    rows = [
        f"{inner}{key}{_literal(item, depth + 1, taken=len(key))},\n"
        for key, (_, item) in zip(keys, items, strict=True)
    ]
    return f"{opening}\n{''.join(rows)}{'    ' * depth}{closing}"
