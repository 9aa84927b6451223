"""Runs `native_checks.py` on a display: the other tests of the app may run where Qt has no OpenGL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(
    sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
    reason="the native back-end needs a display: run under xvfb-run",
)
def test_the_native_back_end_draws_and_hears_the_mouse(repository):
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    checks = Path(__file__).with_name("native_checks.py")
    command = [sys.executable, "-m", "pytest", str(checks), "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout, result.stdout
