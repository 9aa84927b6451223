"""How wrong and how fast regression is on the families that data sets can be made of, and on other topologies.

python benchmarks/regression_families.py [--train 120] [--test 40] [--json FILE]

Aerofoils (by landmarks) and heat sinks (on a circle) are solved anew; closed surfaces and volumes have fields in closed
form. Errors are RRMSE on samples that nothing was learnt from, CPU seconds those of one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _one_thread  # noqa: F401  # before numpy: its threads would distort CPU seconds
import numpy as np
import torch
from measurement import Measurement, tell, write

from engine.regression.data.dataset import Dataset, Sample
from engine.regression.generation.aerofoil import aerofoil
from engine.regression.generation.heat_sink import heat_sink
from engine.regression.generation.known_bodies import known_blob, known_filled_blob
from engine.regression.learning.scores import relative_error, rrmse, scalar_rrmse
from engine.regression.learning.training import train
from engine.regression.morphing.convex_map import Weights
from engine.regression.settings import TrainingParameters

NEW_SHAPE_BAR = 100.0
"""Milliseconds for a new shape of some 2,000 nodes."""


@dataclass(frozen=True)
class Family:
    """make : sample of a number; weights : of the map, see `TrainingParameters`"""

    title: str
    make: Callable[[int], Sample]
    weights: Weights = "mean-value"


FAMILIES = (
    Family("Aerofoils", lambda index: aerofoil(index, seed=0)),
    Family("Heat sinks", lambda index: heat_sink(index, seed=0)),
    Family("Closed surfaces", lambda index: known_blob(index, nodes=1900), "harmonic"),
    Family("Volumes", lambda index: known_filled_blob(index, nodes=330, layers=5), "harmonic"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=120)
    parser.add_argument("--test", type=int, default=40)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [each for family in FAMILIES for each in measure(family, options.train, options.test)]
    tell(found, options.json)
    write("regression_families", found, title="Regression on other families")
    return 0


def measure(family: Family, known: int, new: int) -> list[Measurement]:
    samples = tuple(family.make(index) for index in range(known + new))
    begin = time.process_time()
    model = train(Dataset(samples[:known], name=family.title), TrainingParameters(weights=family.weights))
    learning = time.process_time() - begin
    tests = samples[known:]
    predictions, seconds = [], []
    for sample in tests:
        begin = time.process_time()
        predictions.append(model.predict(sample))
        seconds.append(time.process_time() - begin)
    result = []
    for name in tests[0].fields:
        pairs = [(p.fields[name], s.fields[name]) for p, s in zip(predictions, tests, strict=True)]
        covered = np.mean([np.mean(np.abs(field.mean - truth) <= field.band) for field, truth in pairs])
        error = rrmse([relative_error(field.mean, truth) for field, truth in pairs])
        simple = min(model.card["fields"][name]["baselines"].values())
        result.append(_error(family, name, error, simple, f"95 % bands hold {100 * covered:.0f} % (one split)"))
    for name in tests[0].outputs:
        truth = np.array([sample.outputs[name] for sample in tests])
        error = scalar_rrmse(np.array([p.scalars[name].mean for p in predictions]), truth)
        simple = min(model.card["scalars"][name]["baselines"].values())
        result.append(_error(family, name, error, simple, ""))
    kind = model.common.outline.kind
    note = f"{known} samples of {np.mean([s.node_count for s in samples]):.0f} nodes, morph: {kind}"
    return [
        *result,
        Measurement(f"{family.title}, training", learning, "CPU s", note=note),
        Measurement(f"{family.title}, a new shape", 1e3 * float(np.median(seconds)), "ms", bar=NEW_SHAPE_BAR),
    ]


def _error(family: Family, name: str, error: float, simple: float, note: str) -> Measurement:
    return Measurement(
        f"{family.title}, {name}: RRMSE", error, "", peer="the better baseline", ratio=error / simple, note=note
    )


if __name__ == "__main__":
    raise SystemExit(main())
