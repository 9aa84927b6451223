"""How wrong and how fast regression on meshes is, beside a reference of scikit-learn's parts on the same data.

python benchmarks/regression.py [--data FOLDER] [--train 300] [--test 100] [--workers 2] [--json FILE]

The data are free-form notched plates; FOLDER keeps them for the next time (400 plates take some ten minutes of CPU).
The reference: a uniform Tutte map, modes that are not centred, 16 of the shape and 16 a field in the mass matrix of the
circle, and one Gaussian process a field whose coefficients share their kernel. CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from pathlib import Path

import _one_thread  # noqa: F401  # before numpy: its threads would distort CPU seconds
import numpy as np
import torch
from measurement import Measurement, write
from scipy.sparse import block_diag

from engine.optimization.executors import SerialExecutor, executor_of
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.generation.catalogue import find_generator
from engine.regression.generation.generate import generate
from engine.regression.learning.features import choose_common, coordinates, correspond
from engine.regression.learning.reduction import mass_matrix
from engine.regression.learning.scores import relative_error, rrmse, scalar_rrmse
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.morphing.mapping import MorphSettings
from engine.regression.morphing.morph import common_outline, prepare_mesh
from engine.regression.saved_model import load_regression, save_regression
from engine.regression.settings import TrainingParameters

MODES = 16
ACCURACY_BAR = 0.9
TIME_BAR = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that keeps the plates")
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--strangers", type=int, default=40, help="plates of each unseen family")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        plates = made(folder, "free-form", options.train + options.test, options.workers)
        known, new = plates[: options.train], plates[options.train :]
        strangers = [s for f in ("wedge", "ellipse") for s in made(folder, f, options.strangers, options.workers)]
        measurements = measure(known, new, strangers, Path(temporary))
    for m in measurements:
        bar = "" if m.bar is None else f"  bar {m.bar:g} ({'holds' if m.holds else 'MISSED'})"
        print(f"{m.name:58s} {m.value:10.4f} {m.unit:3s}{bar}  {m.note}")
    write("regression", measurements, title="Regression on meshes")
    if options.json:
        options.json.write_text(json.dumps([asdict(m) for m in measurements], indent=1) + "\n", encoding="utf-8")
    return 0


def made(folder: Path, family: str, count: int, workers: int) -> tuple[Sample, ...]:
    found = generate(
        find_generator("notched-plate"), folder / family, samples=count, options={"family": family}, test_share=0.0,
        executor=executor_of(workers) or SerialExecutor(), at_once=2 * workers,
    )  # fmt: skip
    return found.dataset.samples


def measure(
    known: tuple[Sample, ...], new: tuple[Sample, ...], strangers: list[Sample], folder: Path
) -> list[Measurement]:
    begin = time.process_time()
    model = train(Dataset(known), TrainingParameters())
    ours_time = time.process_time() - begin
    begin = time.process_time()
    peer = Reference(known)
    peer_time = time.process_time() - begin
    ours, theirs = errors(new, lambda s: predicted(model, s)), errors(new, peer.predict)
    mean, peer_mean = float(np.mean(list(ours.values()))), float(np.mean(list(theirs.values())))
    found = [model.predict(sample).novelty.score for sample in new]
    odd = [model.predict(sample).novelty.score for sample in strangers]
    covered = {
        name: float(np.mean([np.mean(np.abs(f.mean - s.fields[name]) <= f.band) for s, f in bands(model, new, name)]))
        for name in new[0].fields
    }
    path = folder / "model.safetensors"
    save_regression(model, path)
    result = [
        Measurement("Mean RRMSE of all outputs, ours", mean, "", note=_listed(ours)),
        Measurement("Mean RRMSE of all outputs, the reference", peer_mean, "", note=_listed(theirs)),
        Measurement("Ours over the reference", mean / peer_mean, "", bar=ACCURACY_BAR),
        Measurement("Training, ours: morph, modes, processes, folds", ours_time, "s", bar=TIME_BAR),
        Measurement("Training, the reference: morph, modes, processes", peer_time, "s"),
        Measurement("Training, ours over the reference", ours_time / peer_time, "", bar=1.0),
        Measurement("A new shape", 1e3 * seconds(lambda: model.predict(new[0])), "ms", bar=100.0),
        Measurement("Loading the Model", 1e3 * seconds(lambda: load_regression(path)), "ms", bar=1000.0),
        Measurement("AUROC of the flag: wedges, ellipses", auroc(found, odd), "", bar=0.95, more_is_better=True),
        Measurement("Coverage of 95 % bands, worst field", min(covered.values(), key=lambda c: -abs(c - 0.95)), "",
                    note=_listed(covered) + "; one split: see regression_limits.py"),
    ]  # fmt: skip
    morphed = model.prepare(new[0])
    one, every = (
        seconds(lambda fields=fields: model.predict_morphed(morphed, new[0].inputs, fields=fields))
        for fields in (("sig22",), None)
    )
    result.append(Measurement("A shape that is morphed: one field, all scalars", 1e3 * one, "ms", bar=10.0))
    result.append(Measurement("A shape that is morphed: all fields and scalars", 1e3 * every, "ms"))
    return result


class Reference:
    """The method as published, of scikit-learn's parts."""

    def __init__(self, samples: tuple[Sample, ...]) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        prepared = [prepare_mesh(sample) for sample in samples]
        outline = common_outline(samples, prepared, MorphSettings("uniform"))
        self.common, links = choose_common(list(samples), prepared, outline)
        self.mass = mass_matrix(self.common.positions, self.common.cells)
        self.shape_mass = block_diag([self.mass] * 2).tocsr()
        shapes = np.stack(
            [coordinates(torch.from_numpy(s.nodes), k).numpy() for s, k in zip(samples, links, strict=True)]
        )
        self.shape = _modes(shapes, self.shape_mass)
        raw = self._raw(shapes, np.array([list(s.inputs.values()) for s in samples]))
        self.centre, self.spread = raw.mean(0), raw.std(0)
        inputs = (raw - self.centre) / self.spread
        kernel = ConstantKernel() * Matern(np.ones(inputs.shape[1]), (1e-2, 1e3), nu=2.5) + WhiteKernel(
            1e-3, (1e-8, 1.0)
        )
        self.fields = {}
        self.scalars = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bounds of length scales that are reached
            for name in samples[0].fields:
                values = np.stack(
                    [
                        k.to_common.interpolate(torch.from_numpy(s.fields[name])).numpy()
                        for s, k in zip(samples, links, strict=True)
                    ]
                )
                modes = _modes(values, self.mass)
                coefficients = np.asarray((self.mass @ values.T).T @ modes.T)
                centre, spread = coefficients.mean(0), coefficients.std(0)
                process = GaussianProcessRegressor(kernel).fit(inputs, (coefficients - centre) / spread)
                self.fields[name] = (modes, centre, spread, process)
            for name in samples[0].outputs:
                values = np.array([s.outputs[name] for s in samples])
                self.scalars[name] = GaussianProcessRegressor(kernel, normalize_y=True).fit(inputs, values)

    def predict(self, sample: Sample) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        with torch.no_grad():
            link = correspond(torch.from_numpy(sample.nodes), prepare_mesh(sample), self.common)
            seen = coordinates(torch.from_numpy(sample.nodes), link).numpy()[None]
            raw = self._raw(seen, np.array([list(sample.inputs.values())]))
            inputs = (raw - self.centre) / self.spread
            fields = {}
            for name, (modes, centre, spread, process) in self.fields.items():
                common = (process.predict(inputs) * spread + centre) @ modes
                fields[name] = link.from_common.interpolate(torch.from_numpy(common[0])).numpy()
        return fields, {name: float(process.predict(inputs)[0]) for name, process in self.scalars.items()}

    def _raw(self, shapes: np.ndarray, scalars: np.ndarray) -> np.ndarray:
        return np.concatenate([np.asarray((self.shape_mass @ shapes.T).T @ self.shape.T), scalars], axis=1)


def _modes(snapshots: np.ndarray, mass) -> np.ndarray:  # type: ignore[no-untyped-def]
    values, vectors = np.linalg.eigh(snapshots @ (mass @ snapshots.T))
    values, vectors = values[::-1][:MODES], vectors[:, ::-1][:, :MODES]
    return np.asarray((vectors / np.sqrt(values)).T @ snapshots)


def predicted(model: RegressionModel, sample: Sample) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    found = model.predict(sample)
    return {k: f.mean for k, f in found.fields.items()}, {k: s.mean for k, s in found.scalars.items()}


def bands(model: RegressionModel, samples: tuple[Sample, ...], name: str):  # type: ignore[no-untyped-def]
    for sample in samples:
        yield sample, model.predict(sample).fields[name]


def errors(samples: tuple[Sample, ...], predict) -> dict[str, float]:  # type: ignore[no-untyped-def]
    found = [predict(sample) for sample in samples]
    result = {}
    for name in samples[0].fields:
        result[name] = rrmse([relative_error(f[0][name], s.fields[name]) for s, f in zip(samples, found, strict=True)])
    for name in samples[0].outputs:
        result[name] = scalar_rrmse(np.array([f[1][name] for f in found]), np.array([s.outputs[name] for s in samples]))
    return result


def auroc(known: list[float], new: list[float]) -> float:
    """How often a new one scores higher than a known one."""
    a, b = np.array(known)[:, None], np.array(new)[None]
    return float((b > a).mean() + 0.5 * (b == a).mean())


def seconds(work, runs: int = 7) -> float:  # type: ignore[no-untyped-def]
    work()
    taken = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return float(np.median(taken))


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
