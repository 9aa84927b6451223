"""How long the surfaces take to make a mesh and its gradient, against marching cubes, and how that grows with the grid.

python benchmarks/extraction.py [--only PART …] [--json FILE]

PART : surfaces (FlexiCubes, G-Shell, DeepMesh and the peers), variants (tetrahedra, no intersections), iterations,
    memory; gpu, which is left out where there is none. With it no result is kept for the report.

One thread, float32, CPU milliseconds (the median of many runs, so that other work on the machine counts little). The
forward pass finds the surface cells anew. Peers are scikit-image's marching cubes and VTK's flying edges, without a
gradient, and Warp's marching cubes with a tape. What DeepMesh spends in its network is shown apart. Memory is the
highest that a process of its own holds above what it held with the field alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import torch
import warp as wp
from _extractors import PEERS, SURFACES, VARIANTS, Call, Extractor, Maker, link, seconds
from measurement import Measurement, tell, write

from engine.core.device import Device
from engine.core.kernels import initialise_warp
from engine.surfaces.flexicubes import FlexiCubes

CPU = Device("cpu")
RESOLUTIONS = (32, 64, 128)
GPU_RESOLUTIONS = (128, 256, 512)
FORWARD_BAR = 8.0
BOTH_BAR = 20.0
GROWTH_BAR = 2.3
ITERATIONS = {32: 60, 64: 40, 128: 12}
GIVE_BACK = {f"MALLOC_{name}_": "65536" for name in ("MMAP_THRESHOLD", "TRIM_THRESHOLD", "TOP_PAD")}
"""Has glibc's memory of a process follow what is in use."""
TURNS, TURN_SECONDS, MOST_RUNS = 4, 0.3, 15
"""How often everything has its turn, how long a turn lasts, and how many runs it has at most."""


def main() -> int:
    parts: dict[str, Callable[[], list[Measurement]]] = {
        "surfaces": surfaces, "variants": variants, "iterations": iterations, "memory": memory, "gpu": gpu
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(parts), help="measure these alone")
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    parser.add_argument("--memory-of", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    initialise_warp()
    if options.memory_of:
        device, *names = options.memory_of
        print(
            "RESULT " + json.dumps([peak_memory((SURFACES | VARIANTS | PEERS)[name], Device(device)) for name in names])
        )
        return 0
    measurements = [found for name in options.only or parts for found in parts[name]()]
    tell(measurements, options.json)
    if not options.only:
        write("extraction", measurements, title="Extraction of the surface")
    return 0


def surfaces() -> list[Measurement]:
    """Every surface against the peers, at every resolution."""
    return [found for resolution in RESOLUTIONS for found in compared(resolution)]


def compared(resolution: int, device: Device = CPU) -> list[Measurement]:
    """Forward, and forward and backward, of every surface and of the peers that run on the device."""
    where = at(resolution, device)
    peers = {name: maker for name, maker in PEERS.items() if not device.is_cuda or name.startswith("Warp")}
    times = raced({**SURFACES, **peers}, resolution, device)
    nearest, *others = peers
    found = []
    for name in SURFACES:
        forward, both, network = times[name]
        barred = name == "FlexiCubes" and resolution == 64 and not device.is_cuda
        note = ", ".join(f"{forward / times[peer].forward:.2f} × {peer}" for peer in others)
        found += [
            Measurement(
                f"{name}, {where}, forward", forward, "ms", bar=FORWARD_BAR if barred else None,
                peer=nearest, ratio=forward / times[nearest].forward, note=note,
            ),
            Measurement(
                f"{name}, {where}, forward and backward", both, "ms", bar=BOTH_BAR if barred else None,
                peer="Warp marching cubes", ratio=both / times["Warp marching cubes"].both,
            ),
        ]  # fmt: skip
        if network:
            note = "part of the row above"
            found.append(Measurement(f"{name}, {where}, spent in the network", network, "ms", note=note))
    for name in peers:
        found.append(Measurement(f"{name}, {where}, forward", times[name].forward, "ms"))
        if times[name].both:
            found.append(Measurement(f"{name}, {where}, forward and backward", times[name].both, "ms"))
    return found


def variants() -> list[Measurement]:
    """What else FlexiCubes can make of the same field, against its plain mesh."""
    found = []
    for resolution in RESOLUTIONS:
        times = raced({"FlexiCubes": SURFACES["FlexiCubes"], **VARIANTS}, resolution, CPU)
        plain = times.pop("FlexiCubes")
        for name, (forward, both, _) in times.items():
            for way, time, against in (("forward", forward, plain.forward), ("forward and backward", both, plain.both)):
                label, ratio = f"{name}, {at(resolution, CPU)}, {way}", time / against
                found.append(Measurement(label, time, "ms", peer="plain FlexiCubes", ratio=ratio))
    return found


def iterations() -> list[Measurement]:
    """Whole iterations of FlexiCubes, and how they grow."""
    times = {resolution: iteration(resolution) for resolution in RESOLUTIONS}
    low, high = RESOLUTIONS[0], RESOLUTIONS[-1]
    growth = math.log(times[high] / times[low]) / math.log(high / low)
    note = "exponent of the grid's side; the surface grows with 2, the volume with 3"
    return [
        *(Measurement(f"Whole iteration, {resolution}³", time, "ms") for resolution, time in times.items()),
        Measurement(f"Growth of a whole iteration, {low}³ to {high}³", growth, "", bar=GROWTH_BAR, note=note),
    ]


def iteration(resolution: int) -> float:
    """CPU milliseconds of prepare, extraction, backward and torch's fused Adam while the surface swells."""
    surface = FlexiCubes(link(resolution, CPU))
    adam = torch.optim.Adam(
        [{"params": [leaf], "name": name} for name, leaf in surface.tensors().items()], lr=0.002, fused=True
    )
    times = []
    for _ in range(ITERATIONS[resolution]):
        start = seconds(CPU)
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
        times.append(1e3 * (seconds(CPU) - start))
    return statistics.median(times)


def memory() -> list[Measurement]:
    """Of everything that is measured here, forward and backward; where the system says what a process held at most."""
    return peaks([*SURFACES, *VARIANTS, *PEERS], CPU) if Path("/proc/self/clear_refs").exists() else []


def peaks(names: list[str], device: Device) -> list[Measurement]:
    """Measured in a process that gives all that it frees back at once."""
    command = [sys.executable, str(Path(__file__).resolve()), "--memory-of", device.name, *names]
    done = subprocess.run(
        command, cwd=Path(__file__).parent.parent, env={**os.environ, **GIVE_BACK},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return [
        Measurement(f"{name}, {at(int(resolution), device)}, peak memory", peak / 2**20, "MiB")
        for name, found in zip(names, json.loads(line.removeprefix("RESULT ")), strict=True)
        for resolution, peak in found.items()
    ]


def peak_memory(maker: Maker, device: Device) -> dict[int, float]:
    """Bytes that one extraction with its gradient holds at most, what it begins with included, by resolution."""
    found = {}
    extract_once(maker(link(16, device), device))  # kernels are loaded, and a network is fitted
    for resolution in resolutions(device):
        values = link(resolution, device)
        before = held(device, most=False)
        extract_once(maker(values, device))
        found[resolution] = held(device, most=True) - before
    return found


def extract_once(extractor: Extractor) -> None:
    (extractor.both or extractor.forward)()


def held(device: Device, *, most: bool) -> float:
    """Bytes that this process holds now, from where the most is counted anew, or held at `most` since."""
    gc.collect()
    if device.is_cuda:
        device.synchronize()
        # Warp counts the most since the process began; larger grids come later.
        by_warp = wp.get_mempool_used_mem_high if most else wp.get_mempool_used_mem_current
        by_torch = torch.cuda.max_memory_allocated if most else torch.cuda.memory_allocated
        if not most:
            torch.cuda.reset_peak_memory_stats(device.torch)
        return float(by_torch(device.torch) + by_warp(device.warp))
    if not most:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024.0 * float(status.split("VmHWM:" if most else "VmRSS:")[1].split()[0])


def gpu() -> list[Measurement]:
    """The surfaces and Warp's marching cubes on the first CUDA device; nothing where there is none."""
    if not (torch.cuda.is_available() and wp.is_cuda_available()):
        return []
    device = Device("cuda:0")
    times = [found for resolution in resolutions(device) for found in compared(resolution, device)]
    return times + [found for name in (*SURFACES, "Warp marching cubes") for found in peaks([name], device)]


def resolutions(device: Device) -> list[int]:
    """Those of the device; of a GPU, what fits with all surfaces in it at once."""
    if not device.is_cuda:
        return list(RESOLUTIONS)
    free = device.free_memory()
    return [n for n in GPU_RESOLUTIONS if len(SURFACES) * FlexiCubes.estimate_memory(n) <= free]


def at(resolution: int, device: Device) -> str:
    return f"{resolution}³ on the GPU" if device.is_cuda else f"{resolution}³"


class Times(NamedTuple):
    """Median milliseconds of the mesh, of mesh and gradient (0 where there is none), and of the network in that."""

    forward: float
    both: float
    network: float


def raced(makers: dict[str, Maker], resolution: int, device: Device) -> dict[str, Times]:
    """All of them on one field, in turns: what else the machine does in between is the same for all."""
    values = link(resolution, device)
    extractors = {name: maker(values, device) for name, maker in makers.items()}
    seen: dict[str, list[list[tuple[float, float]]]] = {name: [[], []] for name in makers}
    for turn in range(TURNS + 1):
        for name, extractor in extractors.items():
            for way, call in enumerate((extractor.forward, extractor.both)):
                if call is not None:
                    found = [measured(call, extractor, device)]
                    while turn and len(found) < MOST_RUNS and sum(time for time, _ in found) < 1e3 * TURN_SECONDS:
                        found.append(measured(call, extractor, device))
                    seen[name][way] += found * bool(turn)  # the first turn is to warm up
    return {name: Times(_median(one, 0), _median(two, 0), _median(two, 1)) for name, (one, two) in seen.items()}


def measured(call: Call, extractor: Extractor, device: Device) -> tuple[float, float]:
    """Milliseconds of one call, and of the network in it."""
    extractor.network_seconds()
    start = seconds(device)
    call()
    return 1e3 * (seconds(device) - start), 1e3 * extractor.network_seconds()


def _median(found: list[tuple[float, float]], column: int) -> float:
    return statistics.median(each[column] for each in found) if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
