"""What the window uses of this room needs neither torch nor Warp."""

from __future__ import annotations

import subprocess
import sys


def test_plain_modules_bring_neither_torch_nor_warp() -> None:
    program = (
        "import sys\n"
        "import engine.geometry.mesh, engine.geometry.points, engine.geometry.fields, engine.geometry.frame\n"
        "import engine.geometry.repair, engine.geometry.topology, engine.geometry.quality, engine.geometry.spanning\n"
        "sys.exit(sum(name in sys.modules for name in ('torch', 'warp', 'vtk')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
