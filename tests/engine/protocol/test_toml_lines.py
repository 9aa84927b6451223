"""The line of a value in a TOML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import ParameterError
from engine.protocol.scene_file import read_scene
from engine.protocol.toml_lines import line_of

TEXT = """name = "x"

[time]
step = 1   # of time

[[sheets]]
name = "a"

[sheets.shape]
kind = "rectangle"
width = -1

[[sheets.pins]]
region = { kind = "all" }

[[sheets]]
name = "b"
pose.scale = 2
"""


@pytest.mark.parametrize(
    ("way", "line"),
    [
        ("name", 1),
        ("time.step", 4),
        ("time.stop", 3),
        ("sheets.0.name", 7),
        ("sheets.0.shape.rectangle.width", 11),
        ("sheets.0.pins.0.region.side", 14),
        ("sheets.1.name", 17),
        ("sheets.1.pose.scale", 18),
        ("gravity", None),
    ],
)
def test_line(way: str, line: int | None) -> None:
    assert line_of(TEXT, way.split(".")) == line


def test_an_error_of_a_scene_says_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"width.*line 11"):
        read_scene(path)
