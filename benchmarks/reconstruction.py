"""How close a reconstruction comes, and what it costs: `formwright reconstruct` in a process of its own.

python benchmarks/reconstruction.py [--meshes PART …] [--scan-of MESH] [--json FILE]

PART : meshes to reconstruct (32³, 300 iterations from the exact distance; the first also from noise and from a sphere,
    800 iterations). Without any, a bracket and a knot that the program generates itself.
MESH : a mesh of which a noisy scan is made (noise 0.5 % of the diagonal, 5 % outliers, three holes, no normals).

Processor seconds count the whole process tree, its start included, on a warm kernel cache (one run before it warms it).
Distances are exact, point to surface, in the frame where the reference's longest side is 1.8; they are measured here
with `engine.geometry`, not with what the descent minimised. Creases are judged by points on the reference's own sharp
edges: recall is the share that lies within 0.01 of a sharp edge of the result, precision the reverse, and F1 their
harmonic mean.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from measurement import Measurement, write
from scipy.spatial import cKDTree

from engine.core.device import Device
from engine.core.kernels import initialise_warp
from engine.geometry.distance import TriangleIndex
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.sampling import sample_mesh
from engine.geometry.topology import Topology, measure_topology
from engine.io.registry import read
from engine.io.registry import write as write_geometry
from engine.objectives.target import creases
from engine.studies.samples import noisy_scan, sample_named

CREASE_ANGLE = 60.0
TOLERANCE = 0.01
SAMPLES = 60_000


@dataclass(frozen=True)
class Judgement:
    """Distances in the frame of side 1.8 (the scan's in parts of the diagonal), crease F1 and topology."""

    mean: float
    f1: float
    crease_f1: float | None
    topology: Topology


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=Path, nargs="*", default=[])
    parser.add_argument("--scan-of", type=Path)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    initialise_warp()
    with tempfile.TemporaryDirectory() as folder:
        measurements = measure(Path(folder), options.meshes, options.scan_of)
    for m in measurements:
        bar = "" if m.bar is None else f"  bar {m.bar:g} ({'holds' if m.holds else 'MISSED'})"
        print(f"{m.name:62s} {m.value:10.3g} {m.unit:5s}{bar}  {m.note}")
    write("reconstruction", measurements, title="Reconstruction")
    if options.json:
        options.json.write_text(json.dumps([asdict(m) for m in measurements], indent=1) + "\n", encoding="utf-8")
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
    expected = measure_topology(welded(reference).triangles)
    name = f"{path.stem}, 32³, start {start}, {iterations} iterations"
    right = judged.topology.watertight and (
        not expected.watertight or judged.topology.euler_characteristic == expected.euler_characteristic
    )
    note = f"χ {judged.topology.euler_characteristic}, {judged.topology.parts} part(s)"
    found = [
        Measurement(f"{name}: mean distance", judged.mean, "", bar=mean, note="longest side 1.8"),
        Measurement(f"{name}: F1 at 0.003", judged.f1, "", bar=0.96, more_is_better=True),
        Measurement(f"{name}: topology right", float(right), "", bar=1.0, more_is_better=True, note=note),
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


def mesh_of(path: Path) -> Mesh:
    found = read(path)
    assert isinstance(found, Mesh), f"{path} is no mesh"
    return found


def judge(result: Mesh, reference: Mesh) -> Judgement:
    """The result against the reference, both in the frame of the reference."""
    frame = Frame.around(reference.bounds)
    ours, theirs = (welded(replace(m, vertices=frame.to_working(m.vertices))) for m in (result, reference))
    precision, recall = (
        distances_to(to, sample_mesh(of, SAMPLES, seed)[0])
        for seed, (of, to) in enumerate([(ours, theirs), (theirs, ours)])
    )
    return Judgement(
        mean=float(precision.mean() + recall.mean()) / 2.0,
        f1=harmonic((precision < 0.003).mean(), (recall < 0.003).mean()),
        crease_f1=crease_f1(ours, theirs),
        topology=measure_topology(ours.triangles),
    )


def crease_f1(result: Mesh, reference: Mesh) -> float | None:
    """F1 of points on the sharp edges of both; None where the reference has none."""
    ours, theirs = crease_points(result), crease_points(reference)
    if not len(theirs):
        return None
    if not len(ours):
        return 0.0
    precision = (cKDTree(theirs).query(ours)[0] < TOLERANCE).mean()
    recall = (cKDTree(ours).query(theirs)[0] < TOLERANCE).mean()
    return harmonic(precision, recall)


def crease_points(mesh: Mesh, spacing: float = 0.002) -> np.ndarray:
    """Points along all edges sharper than `CREASE_ANGLE`, shape (n, 3)."""
    edges = creases(mesh.vertices, mesh.triangles, CREASE_ANGLE)
    points = [np.empty((0, 3))]
    for start, end in mesh.vertices[edges]:
        count = max(1, int(np.linalg.norm(end - start) / spacing))
        t = (np.arange(count) + 0.5)[:, None] / count
        points.append((1.0 - t) * start + t * end)
    return np.concatenate(points)


def distances_to(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    return TriangleIndex(mesh.vertices, mesh.triangles, Device("cpu")).closest(points).distances.numpy()


def welded(mesh: Mesh) -> Mesh:
    """Vertices at the same place made one (texture seams and STL files have them apart)."""
    vertices, index = np.unique(mesh.vertices, axis=0, return_inverse=True)
    return replace(mesh, vertices=vertices, triangles=index.reshape(-1)[mesh.triangles].astype(np.int32), fields={})


def harmonic(precision: float, recall: float) -> float:
    return float(2.0 * precision * recall / max(precision + recall, 1e-12))


if __name__ == "__main__":
    sys.exit(main())
