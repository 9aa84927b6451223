"""`formwright doctor`: what this machine offers, and what stands in the way."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import FAILED, print_json
from app.cli.display import has_display

PACKAGES = (
    "formwright",
    "torch",
    "warp-lang",
    "numpy",
    "scipy",
    "vtk",
    "pyvista",
    "pyvistaqt",
    "PySide6_Essentials",
    "trimesh",
    "pydantic",
)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON object.")] = False) -> None:
    """Look at versions, devices, kernel cache, OpenGL and folders; exit code 1 when something essential is missing."""
    findings: dict[str, Any] = {}
    problems: list[str] = []
    for name, examine in EXAMINATIONS.items():
        try:
            findings[name] = examine()
        except Exception as error:  # whatever is broken here is what the doctor is asked about
            findings[name] = {"error": f"{type(error).__name__}: {error}"}
        problem = findings[name].get("error")
        if problem:
            problems.append(f"{name}: {problem}")
    findings["problems"] = problems
    if as_json:
        print_json(findings)
    else:
        for line in _lines(findings):
            typer.echo(line)
        typer.echo("Nothing is wrong." if not problems else f"{len(problems)} problem(s), see above.")
    if problems:
        raise typer.Exit(FAILED)


def versions() -> dict[str, Any]:
    """Python, the system, and every package that matters."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    missing = []
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    return found | (
        {"error": f"{', '.join(missing)} not installed: run make setup, or pip install ."} if missing else {}
    )


def machine() -> dict[str, Any]:
    """Processors and memory."""
    import psutil

    memory = psutil.virtual_memory()
    return {
        "processors": os.cpu_count(),
        "memory": f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} GiB free",
    }


def devices() -> dict[str, Any]:
    """What the descent can run on."""
    import torch

    from engine.core.device import choose_device

    chosen = choose_device("auto")
    found: dict[str, Any] = {"default": chosen.describe(), "torch threads": torch.get_num_threads()}
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        found[f"cuda:{index}"] = f"{name}, {total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB free"
    if torch.version.cuda:
        found["torch is built for CUDA"] = torch.version.cuda
    return found


def kernels() -> dict[str, Any]:
    """Where compiled kernels are kept, and which are ready."""
    from engine.core.device import choose_device
    from engine.core.kernels import cache_folder, cache_state

    ready = cache_state(choose_device("auto").name)
    folder = cache_folder()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    states = {title: "compiled" if done else "compiled at first use" for title, done in ready.items()}
    return {"folder": str(folder), "size": f"{size / 2**20:.1f} MiB"} | states


def window() -> dict[str, Any]:
    """Whether a window can be shown, and what draws in it."""
    shown = has_display() or "QT_QPA_PLATFORM" in os.environ
    return {"display": "yes" if shown else "none here: the commands work, the window does not"} | opengl()


def opengl() -> dict[str, Any]:
    """What draws off-screen, asked in a child process: a broken driver crashes the one who asks."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _OPENGL_PROBE], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": "OpenGL did not answer within a minute; update the graphics driver."}
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    if done.returncode != 0 or "renderer" not in found:
        why = f"ended with {done.returncode}" if done.returncode else "drew nothing"
        return {"error": f"OpenGL {why}; update the graphics driver, or install libegl1 and libgl1."}
    return {f"OpenGL {key}": value for key, value in found.items()}


def folders() -> dict[str, Any]:
    """Where the program keeps its own files."""
    import platformdirs

    from app.document.places import NAME, state_folder

    return {
        "program": str(Path(__file__).resolve().parents[2]),
        "settings and recent files": str(state_folder()),
        "cache and saved runs": platformdirs.user_cache_dir(NAME, appauthor=False),
    }


EXAMINATIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "versions": versions,
    "machine": machine,
    "devices": devices,
    "kernels": kernels,
    "window": window,
    "folders": folders,
}

_OPENGL_PROBE = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

window = vtkRenderWindow()
window.SetOffScreenRendering(True)
window.SetSize(32, 32)
window.AddRenderer(vtkRenderer())
window.Render()
names = {"OpenGL renderer string": "renderer", "OpenGL version string": "version", "OpenGL vendor string": "vendor"}
for line in window.ReportCapabilities().splitlines():
    key, _, value = line.partition(":")
    if key.strip() in names:
        print(f"{names[key.strip()]}: {value.strip()}")
print(f"back end: {window.GetClassName()}")
"""


def _lines(findings: dict[str, Any]) -> list[str]:
    lines = []
    for group, entries in findings.items():
        if isinstance(entries, dict):
            lines.append(group)
            lines += [f"    {key}: {value}" for key, value in entries.items()]
    return lines
