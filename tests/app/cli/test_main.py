"""The command line as a whole: what it takes for a command, its exit codes, what it imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from app.cli import main as command_line
from app.cli.console import report_error, to_json
from engine.core.errors import FileError, StoppedError


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(arguments)
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


@pytest.mark.parametrize("command", command_line.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert f"formwright {command}" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(command in out for command in command_line.COMMANDS)
    assert "130" in out


def test_a_mistyped_command_is_wrong_usage_and_names_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recontruct") == 2
    assert "Did you mean reconstruct?" in capsys.readouterr().err


def test_a_missing_file_is_one_plain_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("measure", "nowhere.stl") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("formwright: nowhere.stl: there is no such file.")


def test_errors_are_json_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("measure", "nowhere.stl", "--json") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    error = json.loads(captured.err)["error"]
    assert error["kind"] == "FileError"
    assert error["remedy"]


def test_the_parsers_complaints_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("measure", "--json") == 2
    assert "MESH" in json.loads(capsys.readouterr().err)["error"]["message"]


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(FileError):
        command_line.main(["--debug", "measure", "nowhere.stl"])


def test_an_unforeseen_error_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(ZeroDivisionError("division by zero")) == 1
    assert "--debug" in capsys.readouterr().err


def test_what_was_stopped_exits_with_130() -> None:
    assert report_error(StoppedError("The training was stopped.")) == 130


def test_files_open_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_window(files: list[object], *, demo: bool = False) -> int:
        opened.extend(str(file) for file in files)
        return 0

    monkeypatch.setattr("app.cli.display.open_window", open_window)
    assert run("part.stl", "scan.ply") == 0
    assert opened == ["part.stl", "scan.ply"]
    assert run() == 0


def test_without_a_display_the_window_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can be without a display")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    assert run() == 2
    assert "no display" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["reconstruct", "--help"], ["studies", "--help"]])
def test_help_loads_neither_torch_nor_warp_nor_qt(arguments: list[str]) -> None:
    script = (
        "import sys; sys.argv = ['formwright', *sys.argv[1:]]\n"
        "from app.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'warp', 'PySide6', 'vtk', 'vtkmodules', 'pyvista', 'trimesh', 'scipy'} & set(sys.modules)\n"
        "print('LOADED', *sorted(heavy))\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().splitlines()[-1] == "LOADED"


def test_json_has_no_nan() -> None:
    assert to_json({"a": float("nan"), "b": [float("inf"), 1.5]}) == '{"a": null, "b": [null, 1.5]}'
