import subprocess
import sys
from pathlib import Path

import pytest
import warp as wp

from engine.core import kernels
from engine.protocol.scene import Scene
from engine.simulation.world.kernels import kernel_files


def test_warm_up_reports_progress_and_leaves_the_cache_warm() -> None:
    seen: list[tuple[str, float]] = []
    kernels.warm_up(lambda title, fraction: seen.append((title, fraction)))
    titles = list(kernels.registered_modules().values())
    assert "FlexiCubes" in titles
    assert [title for title, _ in seen] == [*titles, ""]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert kernels.is_warm()
    assert all(kernels.cache_state().values())
    assert kernels.warm_up() is True


def test_only_what_a_scene_runs_is_compiled() -> None:
    scene = Scene.model_validate(
        {"sheets": [{"name": "cloth", "shape": {"kind": "rectangle"}}], "contact": {"mode": "none"}}
    )
    seen: list[str] = []
    kernels.warm_up(lambda title, _: seen.append(title), files=kernel_files(scene))
    assert seen == ["Stretching of thin shells", "Bending of thin shells", ""]
    assert set(kernels.FILES_WITH_KERNELS) == set(kernels.registered_modules())


@wp.kernel(module="unique")
def doubled(values: wp.array[wp.float32]) -> None:
    i = wp.tid()
    values[i] = 2.0 * values[i]


def test_what_the_warm_up_has_compiled_is_what_a_launch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.initialise_warp()
    monkeypatch.setattr(kernels, "_MODULES", {"doubled": (doubled.module, "Doubling")})
    kernels.warm_up()
    compiled = list(doubled.module.execs)
    values = wp.ones(3, dtype=float, device="cpu")
    wp.launch(doubled, 3, [values], device="cpu")
    assert values.numpy().tolist() == [2.0, 2.0, 2.0]
    assert len(compiled) == 1 and list(doubled.module.execs) == compiled


def test_an_empty_cache_folder_is_cold(tmp_path: Path) -> None:
    code = "from engine.core.kernels import is_warm, cache_folder; print(is_warm(), cache_folder())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"WARP_CACHE_PATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["False", str(tmp_path)]


def test_the_cache_folder_names_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARP_CACHE_PATH", raising=False)
    assert f"-warp-{wp.config.version}" in kernels.cache_folder().name


def test_importing_kernels_does_not_start_warp() -> None:
    code = "import engine.surfaces.flexicubes_kernels; from engine.core import kernels; print(kernels._initialised)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    # Warp says a line when it starts with its defaults.
    assert done.stdout == "False\n"
