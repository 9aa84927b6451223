"""What every test shares: quiet engines, folders of its own, no display where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
import pytest

# Two workers share two cores: more threads a process would only wait for each other. Before torch and numpy load.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Kernels are the exception from `own_folders`: every test compiling its own would take minutes.
os.environ.setdefault("WARP_CACHE_PATH", str(Path(platformdirs.user_cache_dir("formwright")) / "kernels" / "tests"))

if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, data and caches of a test live in a folder of its own, never in the user's."""
    home = tmp_path_factory.mktemp("home")
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    return home
