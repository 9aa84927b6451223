"""What a benchmark writes: measurements against a bar or a peer, one JSON file a benchmark in `benchmarks/results/`.

A benchmark is a script that measures and ends with

    forward = Measurement("Training mesh, 64^3, forward", 7.4, "ms", bar=8.0, peer="marching cubes", ratio=0.6)
    write("extraction", [forward])

`benchmarks/report.py` makes `docs/benchmarks.md` of all of them.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Measurement:
    """One measured number.

    name : what was measured, for the table
    value, unit : the number ("ms", "CPU s", "MiB", "", ...)
    bar : what it is to stay under (or over, where `more_is_better`); None where there is no bar
    peer, ratio : value divided by the peer's, taken in the same run
    note : a word for the reader of the table
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    more_is_better: bool = False
    peer: str = ""
    ratio: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the bar is kept; None where there is none."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.more_is_better else self.value <= self.bar


def tell(measurements: list[Measurement], file: Path | None = None) -> None:
    """Print measurements, a line each; write them to `file`, too, where one is given."""
    for m in measurements:
        bar = "" if m.bar is None else f"  bar {m.bar:g} ({'holds' if m.holds else 'MISSED'})"
        ratio = "" if m.ratio is None else f"  {m.ratio:.2f} × {m.peer}"
        print(f"{m.name:66s} {m.value:9.3g} {m.unit:5s}{bar}{ratio}  {m.note}")
    if file is not None:
        file.write_text(json.dumps([asdict(m) for m in measurements], indent=1) + "\n", encoding="utf-8")


def write(benchmark: str, measurements: list[Measurement], *, title: str = "", part: bool = False) -> Path:
    """Keep the measurements of one benchmark for the report, with the machine they were taken on; says where.

    part : they are some of them: the others stay as they are, where they were taken on such a machine
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}.json"
    taken = [asdict(measurement) for measurement in measurements]
    content: dict[str, Any] = {
        "benchmark": benchmark,
        "title": title or benchmark.capitalize(),
        "machine": {
            "processor": processor(),
            "processors": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
    }
    earlier = json.loads(path.read_text(encoding="utf-8")) if part and path.exists() else {}
    if {name: earlier.get(name) for name in content} == content:
        names = {measurement["name"] for measurement in taken}
        taken = [known for known in earlier["measurements"] if known["name"] not in names] + taken
    content["measurements"] = taken
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def processor() -> str:
    """The processor's name as its maker gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
