from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from engine.core.process_folder import make_process_folder


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    return tmp_path / "cache" / "scratch"


def test_folders_of_dead_processes_go_and_others_stay(cache: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead, foreign = cache / f"{int(ended.stdout)}-abc", cache / "notes"
    own = make_process_folder("scratch")
    dead.mkdir()
    foreign.mkdir()
    another = make_process_folder("scratch")
    assert own != another and own.is_dir() and another.is_dir()
    assert own.name.startswith(f"{os.getpid()}-")
    assert not dead.exists() and foreign.is_dir()


def test_without_a_cache_it_lies_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(blocked))
    folder = make_process_folder("sessions")
    assert folder.is_dir() and blocked.read_text() == "not a folder"
    folder.rmdir()
