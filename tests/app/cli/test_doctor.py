"""`formwright doctor` reports what is broken, and survives it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer

from app.cli import doctor as command


def test_a_crashing_driver_is_reported_and_not_suffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_OPENGL_PROBE", "import os; os.abort()")
    assert "update the graphics driver" in command.opengl()["error"]


def test_opengl_draws_here_or_says_why() -> None:
    found = command.opengl()
    assert "OpenGL renderer" in found or "error" in found


def test_what_fails_is_a_finding_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, Any]:
        raise OSError("libcuda is gone")

    monkeypatch.setattr(command, "EXAMINATIONS", {"machine": command.machine, "devices": broken})
    with pytest.raises(typer.Exit) as leaving:
        command.doctor(as_json=True)
    assert leaving.value.exit_code == 1
    findings = json.loads(capsys.readouterr().out)
    assert findings["problems"] == ["devices: OSError: libcuda is gone"]
    assert findings["machine"]["processors"] >= 1


def test_a_healthy_machine_exits_with_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        command, "EXAMINATIONS", {"versions": command.versions, "folders": command.folders, "devices": command.devices}
    )
    command.doctor()
    out = capsys.readouterr().out
    assert "torch:" in out
    assert "Nothing is wrong." in out
