"""How much bands hold over many random splits, and how far regression on meshes goes in samples and nodes.

python benchmarks/regression_limits.py [--data FOLDER] [--splits 20] [--samples 500] [--json FILE]

The splits are of free-form notched plates, 300 to learn from and 100 to test on; FOLDER keeps the 400 (those of
benchmarks/regression.py). All come to one common mesh once; modes, processes and bands are found anew for each split,
with the length scales of the first. The large set has plates with fields in closed form, for 500 solutions on 30,000
nodes would take days. CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import _one_thread  # noqa: F401  # before numpy: its threads would distort CPU seconds
import numpy as np
import torch
from measurement import Measurement, tell, write
from regression import made

from engine.regression.data.dataset import Dataset, Sample
from engine.regression.generation.known_plates import known_plate
from engine.regression.learning.features import Correspondence
from engine.regression.learning.snapshots import Snapshots, take_snapshots
from engine.regression.learning.training import learn, train
from engine.regression.model import MorphedMesh, RegressionModel
from engine.regression.morphing.morph import prepare_meshes
from engine.regression.settings import TrainingParameters

FINER = 14
TIME_BAR = 15.0 * 60.0
MEMORY_BAR = 6.0
COVERAGE = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that keeps the plates")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--samples", type=int, default=500, help="of the large set; 0 leaves it out")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    # The large set first: the peak of memory is that of the process so far.
    if options.samples:
        found += large(options.samples)
    if options.splits:
        with tempfile.TemporaryDirectory() as temporary:
            plates = made(options.data or Path(temporary), "free-form", 400, options.workers)
        found += coverage(plates, options.splits)
    tell(found, options.json)
    write("regression-limits", found, title="Regression on meshes: bands over splits, and large sets")
    return 0


def coverage(plates: tuple[Sample, ...], splits: int) -> list[Measurement]:
    """Mean over random splits of what 95 % bands hold of samples for testing, by field and scalar."""
    parameters = TrainingParameters()
    everything = take_snapshots(plates, parameters, lambda message, fraction: None)
    meshes = prepare_meshes(plates, parameters.morph)
    first: RegressionModel | None = None
    shares: list[dict[str, float]] = []
    for split in range(splits):
        order = np.random.default_rng(split).permutation(len(plates))
        tests = max(1, len(plates) // 4)
        known = everything.chosen(np.sort(order[tests:]))
        model = learn(known, Dataset(known.samples), parameters, like=first)
        first = first or model
        shares.append(held(model, everything, meshes, order[:tests]))
    mean = {name: float(np.mean([each[name] for each in shares])) for name in shares[0]}
    result = [
        Measurement(f"95 % bands of {name} hold", value, "", note=f"mean over {splits} random splits")
        for name, value in mean.items()
    ]
    worst = max(mean[name] for name in mean), min(mean[name] for name in mean)
    fields = [mean[name] for name in plates[0].fields]
    off = max(abs(value - COVERAGE) for value in fields)
    note = f"fields alone; all lie between {worst[1]:.3f} and {worst[0]:.3f}"
    return [*result, Measurement("Farthest field from 0.95", off, "", bar=0.02, note=note)]


def held(model: RegressionModel, everything: Snapshots, meshes: list, rows: np.ndarray) -> dict[str, float]:  # type: ignore[type-arg]
    """Part of the true values of these samples that lies in the bands; every sample counts alike."""
    inside: dict[str, list[float]] = {name: [] for name in (*model.fields, *model.scalars)}
    for row in rows:
        sample, link = everything.samples[row], everything.links[row]
        found = model.predict_morphed(morphed(sample, meshes[row], link), sample.inputs)
        for name, field in found.fields.items():
            inside[name].append(float(np.mean(np.abs(field.mean - sample.fields[name]) <= field.band)))
        for name, scalar in found.scalars.items():
            inside[name].append(float(abs(scalar.mean - sample.outputs[name]) <= scalar.band))
    return {name: float(np.mean(values)) for name, values in inside.items()}


def morphed(sample: Sample, mesh, link: Correspondence) -> MorphedMesh:  # type: ignore[no-untyped-def]
    return MorphedMesh(mesh, sample.nodes, link)


def large(count: int) -> list[Measurement]:
    """Training from many samples of some 30,000 nodes."""
    samples = tuple(known_plate(index, finer=FINER) for index in range(count))
    nodes = int(np.mean([sample.node_count for sample in samples]))
    begin = time.process_time()
    train(Dataset(samples), TrainingParameters())
    taken = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0**2
    about = f"{count} samples of {nodes} nodes"
    full = count >= 500
    return [
        Measurement(
            f"Training, {about}", taken, "s", bar=TIME_BAR if full else None, note=f"{taken / count:.2f} s each"
        ),
        Measurement(f"Peak of memory, {about}", peak, "GiB", bar=MEMORY_BAR if full else None, note="with the data"),
    ]


if __name__ == "__main__":
    sys.exit(main())
