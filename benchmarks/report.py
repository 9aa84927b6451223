"""Makes docs/benchmarks.md of what the benchmarks measured.

python benchmarks/report.py             the table of the results that are there
python benchmarks/report.py --measure   run every benchmark first (`make bench`)
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measurement import RESULTS, Measurement

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
NOT_BENCHMARKS = {"measurement.py", "report.py"}

HEAD = """# Benchmarks

Measured with `make bench`, which also writes this page. A ratio to a peer is taken in the same run, on the same data;
CPU seconds count every thread of every process. A bar is what the number is to stay under, unless it says *at least*.
"""


def main(arguments: list[str]) -> int:
    failed = measure() if "--measure" in arguments else []
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    DOCUMENT.write_text(document(results), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(HERE.parent)}: {len(results)} benchmarks")
    for name in failed:
        print(f"{name} failed: its earlier result stands.", file=sys.stderr)
    return 1 if failed else 0


def measure() -> list[str]:
    """Run every benchmark in a process of its own; returns those that failed."""
    failed = []
    for path in sorted(HERE.glob("*.py")):
        if path.name in NOT_BENCHMARKS or path.name.startswith("_"):
            continue
        print(f"== {path.name}", flush=True)
        if subprocess.run([sys.executable, str(path)], cwd=HERE.parent, check=False).returncode:
            failed.append(path.name)
    return failed


def document(results: list[dict[str, Any]]) -> str:
    """The page: one table a benchmark, and the machine below it."""
    parts = [HEAD]
    for result in results:
        parts.append(f"## {result['title']}\n")
        parts.append("| what | measured | bar | holds | peer |\n|---|---|---|---|---|")
        parts += [_row(Measurement(**values)) for values in result["measurements"]]
        machine = result["machine"]
        parts.append(
            f"\n{machine['processor']}, {machine['processors']} processors, {machine['system']}, "
            f"Python {machine['python']}.\n"
        )
    return "\n".join(parts)


def _row(measurement: Measurement) -> str:
    unit = f" {measurement.unit}" if measurement.unit else ""
    bar = "" if measurement.bar is None else f"{'at least ' * measurement.more_is_better}{measurement.bar:g}{unit}"
    holds = {True: "yes", False: "**no**", None: ""}[measurement.holds]
    peer = f"{measurement.ratio:.2f} × {measurement.peer}" if measurement.ratio is not None else measurement.peer
    name = f"{measurement.name} ({measurement.note})" if measurement.note else measurement.name
    return f"| {name} | {measurement.value:.4g}{unit} | {bar} | {holds} | {peer} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
