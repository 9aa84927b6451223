"""Large scans: what reading takes, and whether the window stays awake while one is opened and given to its engine.

python benchmarks/scans.py                  ten million points in every format
python benchmarks/scans.py --points 1000000
python benchmarks/scans.py --json           print one JSON object and keep no result

The points are noise about a ball, from a seed. Reading is measured in the loader process; the window in a process of
its own, by a 10 ms timer in it, with its engine process beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import psutil
from measurement import Measurement, write

POINTS = 10_000_000
BAR_TICK = 100.0
"""[ms] A window that does not answer for longer feels stuck."""
BYTES_A_POINT = 80.0
"""What reading may take: three times the positions in float64, and a little."""
ENGINE_SECONDS = 10.0
"""How long the timer runs on after the scan is on its way to the engine."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object and keep no result")
    parser.add_argument("--window", metavar="SCAN", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.window:
        print("RESULT " + json.dumps(opened_in_the_window(Path(options.window))))
        return 0
    with tempfile.TemporaryDirectory(prefix="formwright-benchmark-") as folder:
        files = write_scans(Path(folder), options.points)
        readings = {kind: reading(path) for kind, path in files.items()}
        window = _in_a_process_of_its_own(files["PLY"], Path(folder))
    if options.json:
        print(json.dumps({"reading": readings, "window": window}))
        return 0
    measurements = table(readings, window, options.points)
    for measurement in measurements:
        print(f"{measurement.name:62s} {measurement.value:8.1f} {measurement.unit}")
    if options.points == POINTS:
        write("scans", measurements, title="Scans of ten million points")
    return 0 if all(measurement.holds is not False for measurement in measurements) else 1


def table(readings: dict[str, dict[str, float]], window: dict[str, float], points: int) -> list[Measurement]:
    """What the report shows of the results."""
    bar = BYTES_A_POINT * points / 2**20
    rows = []
    for kind, result in readings.items():
        note = f"{result['megabytes']:,.0f} MB"
        rows.append(Measurement(f"Reading {kind}", result["cpu"], "CPU s", note=note))
        rows.append(Measurement(f"Peak memory of the loader, {kind}", result["peak"], "MiB", bar=bar))
    rows += [
        Measurement("10 ms timer, longest, while PLY is opened and drawn", window["opening"], "ms", bar=BAR_TICK),
        Measurement("10 ms timer, longest, while the engine gets the points", window["starting"], "ms", bar=BAR_TICK),
        Measurement("CPU of the window's process to open it", window["cpu"], "CPU s"),
        Measurement("Memory of the window (USS), the points mapped", window["memory"], "MiB"),
        Measurement("Message to the engine", window["message"], "KiB", note="the points go by the name of their file"),
    ]
    return rows


def write_scans(folder: Path, count: int) -> dict[str, Path]:
    """The same points in every format."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(count, 3))
    points *= ((100.0 + 0.1 * rng.normal(size=count)) / np.linalg.norm(points, axis=1))[:, None]
    single = points.astype("<f4")
    files = {"PLY": folder / "scan.ply", "PCD": folder / "scan.pcd", "XYZ text": folder / "scan.xyz"}
    head = f"element vertex {count}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    files["PLY"].write_bytes(b"ply\nformat binary_little_endian 1.0\n" + head.encode() + single.tobytes())
    head = f"WIDTH {count}\nHEIGHT 1\nPOINTS {count}\nDATA binary\n"
    files["PCD"].write_bytes(
        b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n" + head.encode() + single.tobytes()
    )
    with files["XYZ text"].open("w") as stream:
        for start in range(0, count, 100_000):
            rows = points[start : start + 100_000]
            stream.write("%.4f %.4f %.4f\n" * len(rows) % tuple(rows.reshape(-1).tolist()))
    return files


class _Watch(threading.Thread):
    """The most memory that the loader process held, and the processor time that it took."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = self.cpu = 0.0
        self.start()

    def run(self) -> None:
        me = psutil.Process()
        while True:
            for child in me.children():
                try:
                    self.peak = max(self.peak, child.memory_info().rss / 2**20)
                    self.cpu = max(self.cpu, sum(child.cpu_times()[:2]))
                except psutil.Error:
                    continue
            time.sleep(0.01)


def reading(path: Path) -> dict[str, float]:
    """The loader process on one file, from a warm start; the memory that it has then does not count."""
    from engine.io import loader

    loader.shut_down()
    loader.warm_up()
    while not loader._idle:
        time.sleep(0.01)
    process = psutil.Process(loader._idle[0].process.pid)
    memory, cpu = process.memory_info().rss / 2**20, sum(process.cpu_times()[:2])
    watch = _Watch()
    loader.load(path)
    loader.shut_down()
    return {
        "cpu": watch.cpu - cpu,
        "peak": watch.peak - memory,
        "megabytes": path.stat().st_size / 1e6,
    }


def opened_in_the_window(scan: Path) -> dict[str, float]:
    """The real window with nothing open; then the scan is opened, and a Run on it is started."""
    from PySide6.QtCore import QTimer
    from window import Ticks

    from app.main import make_application, run_window
    from app.window.main_window import MainWindow

    application = make_application()
    seen: dict[str, float] = {}
    state: dict[str, Any] = {}
    watch = QTimer()

    def look() -> None:
        window = next((each for each in application.topLevelWidgets() if isinstance(each, MainWindow)), None)
        if window is None or window.viewport is None or not window.viewport.begun:
            return
        ready = window.document.catalogue is not None and not window.workbench.link.starting
        if "opening" not in state and ready:
            state["since"] = state.setdefault("since", time.monotonic())
            if time.monotonic() - state["since"] < 3.0:
                return  # the engine and the loader have just started, and take the processors
            state["opening"], state["cpu"] = Ticks(window), time.process_time()
            window.workbench.files.open([scan])
        elif "opening" in state and "drawn" not in state and window.viewport.scene.objects:
            state["drawn"] = time.monotonic()
        elif "drawn" in state and "starting" not in state and time.monotonic() - state["drawn"] > 1.0:
            seen["opening"] = state["opening"].summary()["tick_longest"]
            seen["cpu"] = time.process_time() - state["cpu"]
            seen["memory"] = float(psutil.Process().memory_full_info().uss) / 2**20
            seen["message"] = message_size(window.document.inputs())
            state["starting"] = Ticks(window)
            window.workbench.running.toggle()
            QTimer.singleShot(int(1000 * ENGINE_SECONDS), window, lambda: finish(window))

    def finish(window: MainWindow) -> None:
        watch.stop()
        seen["starting"] = state["starting"].summary()["tick_longest"]
        window.store = None  # nobody is there to say what is to be saved
        window.close()
        application.quit()

    watch.timeout.connect(look)
    watch.start(20)
    QTimer.singleShot(200_000, application.quit)
    run_window([])
    if "starting" not in seen:
        raise RuntimeError(f"the window did not open the scan within 200 s: {seen} {list(state)}")
    return seen


def message_size(inputs: dict[str, Any]) -> float:
    """What goes through the pipe to the engine [KiB]."""
    import pickle

    from app.worker.parcel import parcelled

    with tempfile.TemporaryDirectory() as folder:
        return len(pickle.dumps(parcelled(inputs, Path(folder)))) / 1024.0


def _in_a_process_of_its_own(scan: Path, folder: Path) -> dict[str, float]:
    root = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    environment |= {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--window", str(scan)],
        cwd=root, env=environment, stdout=subprocess.PIPE, text=True, timeout=300, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return result


if __name__ == "__main__":
    sys.exit(main())
