"""Warp's kernels: quiet start, a cache folder per version, and a warm-up with visible progress.

A kernel file calls `register_module` for its Warp module when it is imported, and is listed in `FILES_WITH_KERNELS`.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import platformdirs
import warp as wp

FILES_WITH_KERNELS: tuple[str, ...] = (
    "engine.surfaces.flexicubes_kernels",
    "engine.surfaces.gshell_kernels",
    "engine.geometry.distance_kernels",
    "engine.objectives.kernels",
    "engine.objectives.shape_kernels",
    "engine.objectives.panel_kernels",
    "engine.rendering.kernels",
    "engine.simulation.shell.membrane_kernels",
    "engine.simulation.shell.bending_kernels",
    "engine.simulation.shell.hinge_kernels",
    "engine.simulation.contact.search_kernels",
    "engine.simulation.contact.potential_kernels",
    "engine.simulation.matrix_kernels",
    "engine.simulation.solid.neo_hookean_kernels",
)
"""Import paths of the files that hold kernels; those that do not exist in this installation are passed over."""

Progress = Callable[[str, float], None]
"""Called with what is being prepared and the fraction done in [0, 1]."""

_MODULES: dict[str, tuple[wp.Module, str]] = {}
_initialised = False


def cache_folder() -> Path:
    """Where compiled kernels live: one folder per version of Formwright and Warp (WARP_CACHE_PATH overrides it)."""
    override = os.environ.get("WARP_CACHE_PATH")
    if override:
        return Path(override)
    version = f"{_version('formwright')}-warp-{_version('warp-lang')}"
    return Path(platformdirs.user_cache_dir("formwright", appauthor=False)) / "kernels" / version


def initialise_warp() -> None:
    """Start Warp quietly with the cache folder of this version. Cheap to call again."""
    global _initialised  # noqa: PLW0603 -- Warp itself is one per process, and so is its configuration
    if _initialised:
        return
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    _silence()
    wp.config.kernel_cache_dir = str(folder)
    with contextlib.nullcontext() if _has_cuda_driver() else _deaf_stderr():
        wp.init()
    _initialised = True


def register_module(file: str, module: wp.Module, title: str, *, precise: bool = False) -> None:
    """Announce the Warp module of a file to the warm-up; `title` is what a person reads while it compiles.

    A `precise` module (float64, for gradient checks) is left to compile when it is first used.
    """
    if not precise:
        _MODULES[file] = (module, title)


def registered_modules() -> dict[str, str]:
    """Files and titles of the modules that the warm-up prepares."""
    _import_kernel_files()
    return {file: title for file, (_, title) in _in_order()}


def cache_state(device: str = "cpu") -> dict[str, bool]:
    """Whether each module is compiled for `device` in the cache folder, by title."""
    initialise_warp()
    _import_kernel_files()
    suffixes = {".ptx", ".cubin"} if device.startswith("cuda") else {".o"}
    return {title: _is_cached(module, suffixes, _block_dim(device)) for module, title in _MODULES.values()}


def is_warm(device: str = "cpu", files: Collection[str] | None = None) -> bool:
    """Whether every module, or those of `files`, can be loaded without a compiler."""
    state = cache_state(device)
    return all(state[title] for _, title in _modules(files))


def warm_up(progress: Progress | None = None, *, device: str = "cpu", files: Collection[str] | None = None) -> bool:
    """Compile or load every registered module, or those of `files`; returns whether the cache was warm already."""
    report = progress or (lambda title, fraction: None)
    warm = is_warm(device, files)
    modules = _modules(files)
    for index, (module, title) in enumerate(modules):
        report(title, index / len(modules))
        module.load(wp.get_device(device), _block_dim(device))
    report("", 1.0)
    return warm


def _modules(files: Collection[str] | None) -> list[tuple[wp.Module, str]]:
    return [announced for file, announced in _in_order() if files is None or file in files]


def _in_order() -> list[tuple[str, tuple[wp.Module, str]]]:
    """The modules as their files are listed, whichever was imported first."""
    place = {file: index for index, file in enumerate(FILES_WITH_KERNELS)}
    return sorted(_MODULES.items(), key=lambda entry: place.get(entry[0], len(place)))


def _has_cuda_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _deaf_stderr() -> Iterator[None]:
    """Where there is no driver, Warp's native library says so on file descriptor 2, whatever the log level.
    On a machine without an NVIDIA device that is no news, and every command would begin with it."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _silence() -> None:
    if hasattr(wp.config, "log_level"):
        wp.config.log_level = wp.LOG_ERROR
    else:
        vars(wp.config)["quiet"] = True  # before Warp 1.12


def _block_dim(device: str) -> int | None:
    """Threads a block that a launch asks for: one on a CPU. A module is compiled anew for every other number."""
    return None if device.startswith("cuda") else 1


def _is_cached(module: wp.Module, suffixes: set[str], block_dim: int | None) -> bool:
    folder = Path(str(wp.config.kernel_cache_dir)) / module.get_module_identifier(block_dim)
    return folder.is_dir() and any(path.suffix in suffixes for path in folder.rglob("*"))


def _import_kernel_files() -> None:
    for name in FILES_WITH_KERNELS:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "0"
