"""The same command twice, in processes of their own: the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["sample:bracket", "--iterations", "40"],
        ["sample:bracket", "--start", "random", "--seed", "7", "--iterations", "60", "--resolution", "20"],
        ["sample:nut", "--iterations", "30", "--resolution", "24"],
    ],
    ids=["from the distance", "from noise", "a scan"],
)
def test_the_same_seed_gives_the_same_bytes(options: list[str], tmp_path: Path) -> None:
    results = []
    for attempt in range(2):
        path = tmp_path / f"{attempt}.ply"
        # Neither the order of sets nor the number of threads may be seen in the result.
        surroundings = {**os.environ, "PYTHONHASHSEED": str(attempt + 1), "OMP_NUM_THREADS": str(attempt + 1)}
        command = [sys.executable, "-m", "app.cli.main", "reconstruct", *options, "-o", str(path), "--quiet"]
        subprocess.run([*command, "--device", "cpu"], check=True, timeout=300, env=surroundings)
        results.append(path.read_bytes())
    assert results[0] == results[1] and len(results[0]) > 10_000
