"""How long FlexiCubes takes, against marching cubes, and how an iteration grows with the grid.

python benchmarks/extraction.py [--json FILE]

One thread, float32, CPU milliseconds (the median of many runs, so that other work on the machine counts little). The
forward pass finds the surface cells anew; peers are scikit-image's marching cubes (no gradient) and Warp's with a tape.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
import warp as wp
from measurement import Measurement, write
from skimage.measure import marching_cubes

from engine.core.kernels import initialise_warp
from engine.surfaces.flexicubes import FlexiCubes

RESOLUTIONS = (32, 64, 128)
FORWARD_BAR = 8.0
BOTH_BAR = 20.0
GROWTH_BAR = 2.3
RUNS = {32: 60, 64: 40, 128: 12}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    initialise_warp()
    measurements: list[Measurement] = []
    iterations = {}
    for resolution in RESOLUTIONS:
        measurements += extraction(resolution)
        iterations[resolution] = iteration(resolution)
        measurements.append(Measurement(f"Whole iteration, {resolution}³", iterations[resolution], "ms"))
    low, high = RESOLUTIONS[0], RESOLUTIONS[-1]
    growth = math.log(iterations[high] / iterations[low]) / math.log(high / low)
    note = "exponent of the grid's side; the surface grows with 2, the volume with 3"
    measurements.append(
        Measurement(f"Growth of a whole iteration, {low}³ to {high}³", growth, "", bar=GROWTH_BAR, note=note)
    )
    for m in measurements:
        bar = "" if m.bar is None else f"  bar {m.bar:g} ({'holds' if m.holds else 'MISSED'})"
        ratio = "" if m.ratio is None else f"  {m.ratio:.2f} × {m.peer}"
        print(f"{m.name:58s} {m.value:8.2f} {m.unit:3s}{bar}{ratio}  {m.note}")
    write("extraction", measurements, title="Extraction of the surface")
    if options.json:
        options.json.write_text(json.dumps([asdict(m) for m in measurements], indent=1) + "\n", encoding="utf-8")
    return 0


def link(resolution: int) -> torch.Tensor:
    """Signed distance to a ring with a ball in it, shape (n + 1, n + 1, n + 1): some 9,500 surface cells at 64³."""
    axis = torch.linspace(-1.0, 1.0, resolution + 1)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    ring = ((torch.sqrt(x * x + y * y) - 0.61) ** 2 + z * z).sqrt() - 0.227
    return torch.minimum(ring, torch.sqrt(x * x + y * y + z * z) - 0.28)


def extraction(resolution: int) -> list[Measurement]:
    """Forward, forward and backward of one mesh, and of the peers' in the same run."""
    field, runs = link(resolution), RUNS[resolution]
    surface = FlexiCubes(field)
    mesh = surface.extract()
    pull = torch.randn(mesh.vertices.shape, generator=torch.Generator().manual_seed(0))
    even = torch.full_like(mesh.regularity, 0.01)

    def forward() -> None:
        surface._connectivity = None  # as if a sign had changed
        surface.prepare()
        surface.extract()

    def both() -> None:
        for leaf in surface.tensors().values():
            leaf.grad = None
        surface._connectivity = None
        surface.prepare()
        now = surface.extract()
        torch.autograd.backward([now.vertices, now.regularity], [pull, even])

    values = field.numpy()
    flexible, flexible_both = cpu_milliseconds(forward, runs), cpu_milliseconds(both, runs)
    skimage = cpu_milliseconds(lambda: marching_cubes(values, 0.0), max(runs // 4, 5))
    warp_forward, warp_both = (cpu_milliseconds(call, max(runs // 4, 5)) for call in warp_marching_cubes(field))
    cells = len(surface.connectivity.cells)
    at = f"training mesh, {resolution}³"
    return [
        Measurement(
            f"FlexiCubes, {at}, forward", flexible, "ms", bar=FORWARD_BAR if resolution == 64 else None,
            peer="skimage marching cubes", ratio=flexible / skimage, note=f"{cells} surface cells",
        ),
        Measurement(
            f"FlexiCubes, {at}, forward and backward", flexible_both, "ms",
            bar=BOTH_BAR if resolution == 64 else None, peer="Warp marching cubes", ratio=flexible_both / warp_both,
        ),
        Measurement(f"skimage marching cubes, {resolution}³, forward", skimage, "ms"),
        Measurement(f"Warp marching cubes, {resolution}³, forward", warp_forward, "ms"),
        Measurement(f"Warp marching cubes, {resolution}³, forward and backward", warp_both, "ms"),
    ]  # fmt: skip


def warp_marching_cubes(field: torch.Tensor) -> tuple[Callable[[], None], Callable[[], None]]:
    """Warp's extraction without and with its adjoint, on the CPU."""
    extractor = getattr(wp, "geometry", wp)
    extractor = getattr(extractor, "IsoSurfaceMarchingCubes", None) or wp.MarchingCubes
    values = wp.array(field.numpy(), dtype=wp.float32, device="cpu", requires_grad=True)
    plain = wp.array(field.numpy(), dtype=wp.float32, device="cpu")

    def forward() -> None:
        extractor.extract(plain, 0.0)

    def both() -> None:
        with wp.Tape() as tape:
            vertices, _ = extractor.extract(values, 0.0)
        tape.backward(grads={vertices: wp.ones_like(vertices)})
        tape.zero()

    return forward, both


def iteration(resolution: int) -> float:
    """CPU milliseconds of prepare, extraction, backward and torch's fused Adam while the surface swells."""
    surface = FlexiCubes(link(resolution))
    adam = torch.optim.Adam(
        [{"params": [leaf], "name": name} for name, leaf in surface.tensors().items()], lr=0.002, fused=True
    )
    times = []
    for _ in range(RUNS[resolution]):
        start = time.process_time()
        for remap in surface.prepare():
            group = next(group for group in adam.param_groups if group["name"] == remap.name)
            moments = adam.state.pop(group["params"][0], None)
            group["params"] = [remap.new]
            if moments:
                carried = {key: remap.moments(moments[key]) for key in ("exp_avg", "exp_avg_sq")}
                adam.state[remap.new] = {"step": moments["step"], **carried}
        mesh = surface.extract()
        adam.zero_grad()
        torch.autograd.backward(
            [mesh.vertices, mesh.regularity], [-mesh.vertices.detach(), torch.full_like(mesh.regularity, 0.5)]
        )
        adam.step()
        surface.after_step()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def cpu_milliseconds(call: Callable[[], object], runs: int) -> float:
    """Median CPU time of `call`, after one to warm up."""
    call()
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
