"""How close a reconstruction comes, and what it costs: `formwright reconstruct` in a process of its own.

python benchmarks/reconstruction.py [--meshes PART …] [--scan-of MESH] [--json FILE]

PART : meshes to reconstruct (32³, 300 iterations from the exact distance; the first also from noise and from a sphere,
    800 iterations). Without any, a bracket and a knot that the program generates itself.
MESH : a mesh of which a noisy scan is made (noise 0.5 % of the diagonal, 5 % outliers, three holes, no normals).

Processor seconds count the whole process tree, its start included, on a warm kernel cache (one run before it warms it).
Distances are exact, point to surface, in the frame where the reference's longest side is 1.8. Creases are judged by
points on the reference's own sharp edges: recall is the share that lies within 0.01 of a sharp edge of the result,
precision the reverse, and F1 their harmonic mean.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _judgement import distances_to, judge, mesh_of
from measurement import Measurement, tell, write

from engine.core.kernels import initialise_warp
from engine.geometry.mesh import Mesh
from engine.geometry.topology import measure_topology
from engine.io.registry import write as write_geometry
from engine.studies.samples import noisy_scan, sample_named


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=Path, nargs="*", default=[])
    parser.add_argument("--scan-of", type=Path)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    initialise_warp()
    with tempfile.TemporaryDirectory() as folder:
        measurements = measure(Path(folder), options.meshes, options.scan_of)
    tell(measurements, options.json)
    write("reconstruction", measurements, title="Reconstruction")
    return 0 if all(m.holds is not False for m in measurements) else 1


def measure(folder: Path, meshes: list[Path], scan_of: Path | None) -> list[Measurement]:
    """All measurements; files go to `folder`."""
    if not meshes:
        meshes = [folder / f"{name}.stl" for name in ("bracket", "knot")]
        for path in meshes:
            made = sample_named(path.stem).make()
            assert isinstance(made, Mesh)
            write_geometry(made, path)
    reconstruct(meshes[0], folder / "warm.ply", "--resolution", "16", "--iterations", "2")
    found: list[Measurement] = []
    for path in meshes:
        found += part(path, folder, "sdf", 300, seconds=15.0, mean=6e-4)
    for start in ("random", "sphere"):
        found += part(meshes[0], folder, start, 800, seconds=40.0, mean=5e-4)
    clean = mesh_of(scan_of) if scan_of else mesh_of(meshes[-1])
    found += scan(replace(clean, name=(scan_of or meshes[-1]).stem), folder)
    return found


def part(path: Path, folder: Path, start: str, iterations: int, *, seconds: float, mean: float) -> list[Measurement]:
    """A mesh reconstructed on 32³."""
    output = folder / "result.ply"
    spent = reconstruct(path, output, "--resolution", "32", "--iterations", str(iterations), "--start", start)
    reference = mesh_of(path)
    judged = judge(mesh_of(output), reference)
    name = f"{path.stem}, 32³, start {start}, {iterations} iterations"
    note = judged.describe_topology()
    found = [
        Measurement(f"{name}: mean distance", judged.mean, "", bar=mean, note="longest side 1.8"),
        Measurement(f"{name}: F1 at 0.003", judged.f1, "", bar=0.96, more_is_better=True),
        Measurement(
            f"{name}: topology right", float(judged.closed_as_it_should), "", bar=1.0, more_is_better=True, note=note
        ),
        Measurement(f"{name}: processor time", spent, "s", bar=seconds, note="process start included"),
    ]
    if judged.crease_f1 is not None:
        found.insert(2, Measurement(f"{name}: creases, F1 at 0.01", judged.crease_f1, "", more_is_better=True))
    return found


def scan(clean: Mesh, folder: Path) -> list[Measurement]:
    """A noisy, incomplete scan of a mesh, at the program's defaults."""
    source, output = folder / "scan.ply", folder / "result.ply"
    write_geometry(noisy_scan(clean, normals=False), source)
    spent = reconstruct(source, output)
    result = mesh_of(output)
    distances = distances_to(result, clean.vertices)
    topology = measure_topology(result.triangles)
    closed = float(topology.watertight and topology.parts == 1)
    name = f"noisy scan of {clean.name}"
    return [
        Measurement(
            f"{name}: clean vertices to result", 100.0 * float(distances.mean()) / clean.diagonal, "%", bar=0.3,
            note="mean, of the diagonal",
        ),
        Measurement(
            f"{name}: watertight, one part", closed, "", bar=1.0, more_is_better=True,
            note=f"χ {topology.euler_characteristic}, {topology.parts} part(s)",
        ),
        Measurement(f"{name}: processor time", spent, "s", bar=60.0, note="process start included"),
    ]  # fmt: skip


def reconstruct(source: Path, output: Path, *options: str) -> float:
    """Run the command; returns the processor seconds of its whole process tree."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "app.cli.main", "reconstruct", str(source), "-o", str(output), "--quiet"]
    subprocess.run([*command, "--device", "cpu", *options], check=True, timeout=1200)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
