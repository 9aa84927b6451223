"""What every test shares: quiet engines, folders of its own, no display where there is none."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
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


def _use_a_display_of_ones_own() -> None:
    """Workers that share a display take the keyboard from one another: all but the first get one more."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    server = shutil.which("Xvfb")
    if worker == "gw0" or server is None or os.environ.get("QT_QPA_PLATFORM") != "xcb":
        return
    reading, writing = os.pipe()
    # Without -noreset a server begins anew when its last client goes, and whoever comes just then is turned away.
    screen = ["-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"]
    command = [server, "-displayfd", str(writing), *screen]
    display = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(display.terminate)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    if number:
        os.environ["DISPLAY"] = f":{number}"
        os.environ.pop("XAUTHORITY", None)


_use_a_display_of_ones_own()


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
