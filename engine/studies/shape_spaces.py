"""Train a shape space on a folder of meshes, and keep it as a Model."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import FileError, FormwrightError, GeometryError
from engine.geometry.frame import WORKING_SIDE, Frame
from engine.geometry.mesh import Mesh
from engine.geometry.sampling import sample_mesh
from engine.geometry.topology import measure_topology
from engine.io import registry
from engine.io.model_file import ModelCard, read_model, write_model
from engine.studies.shape_making import Progress, fit_latent
from engine.studies.shape_space_parameters import LEAST_SHAPES, TrainingParameters, partial_of
from engine.surfaces.fitting import DistanceSamples, samples_of_mesh
from engine.surfaces.network_field import NetworkField
from engine.surfaces.networks import Architecture
from engine.surfaces.shape_space import KIND, ShapeSpace, Training

PARTIAL_KIND = "shape-space-training"
LEAST_FOR_HOLDING_OUT = 8

NORMAL_SIDE = 100.0
"""Longest side [mm] of shapes that were normalised each by itself."""

KEPT_EVERY = 20.0
"""Seconds between two writings of a training that is under way."""


class TrainingCancelledError(FormwrightError):
    """A person has ended a training; what was done so far is kept beside the Model."""


def train_shapes(
    folder: str | Path,
    model: str | Path,
    options: TrainingParameters | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    device: Device | None = None,
) -> ModelCard:
    """Learn a shape space from the meshes of a folder and write it to `model`; returns its card.

    A training that is cancelled or interrupted is kept as `model` with ".part", and goes on from there when it is
    asked for again with the same shapes and options, as if nothing had happened.

    Raises
    ------
    FileError : no folder, fewer than three meshes in it, or a file that cannot be read
    GeometryError : meshes that are not closed, by name
    TrainingCancelledError : `cancelled` said so
    """
    report = progress or (lambda title, fraction: None)
    return train_meshes(
        _meshes_of(Path(folder), report), model, options, progress=report, cancelled=cancelled, device=device
    )


def train_meshes(
    meshes: Sequence[Mesh],
    model: str | Path,
    options: TrainingParameters | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    device: Device | None = None,
) -> ModelCard:
    """`train_shapes` of meshes that are open already [mm]."""
    chosen = options or TrainingParameters()
    report = progress or (lambda title, fraction: None)
    where = device or Device("cpu")
    path = Path(model)
    _require_closed(meshes)
    frames = _frames(meshes, chosen)
    samples = []
    for number, (mesh, frame) in enumerate(zip(meshes, frames, strict=True)):
        _stop_if(cancelled)
        report(f"Measuring {mesh.name}", 0.1 * number / len(meshes))
        samples.append(
            samples_of_mesh(
                frame.to_working(mesh.vertices), mesh.triangles, chosen.samples, seed=chosen.seed + number, device=where
            )
        )
    held = _held_out(len(meshes), chosen)
    learnt = [i for i in range(len(meshes)) if i not in held]
    training, partial = _taken_up(path, chosen, samples, learnt)
    kept_at = time.monotonic()

    def after(now: Training, error: float) -> None:
        nonlocal kept_at
        if now.iteration % 10 == 0:
            report(f"Learning, error {error:.4f}", 0.1 + 0.8 * now.iteration / chosen.iterations)
        stop = cancelled is not None and cancelled()
        # The clock decides only when it is written, and nothing of what is learnt.
        if stop or time.monotonic() - kept_at > KEPT_EVERY:
            _keep(partial, now, chosen, samples, learnt)
            kept_at = time.monotonic()
        if stop:
            raise TrainingCancelledError(
                "The training was cancelled.", remedy=f"Start it again to go on from step {now.iteration}."
            )

    training.run(
        [samples[i] for i in learnt], iterations=chosen.iterations, batch=chosen.batch,
        learning_rate=chosen.learning_rate, seed=chosen.seed, after=after,
    )  # fmt: skip
    # Shapes that were scaled one by one have no millimetres in common: the Model makes them `NORMAL_SIDE` long.
    frame = frames[0] if chosen.normalise == "together" else Frame((0.0, 0.0, 0.0), WORKING_SIDE / NORMAL_SIDE)
    space = training.space([meshes[i].name for i in learnt], frame)
    report("Trying what was learnt", 0.92)
    errors = _errors(space, meshes, frames, samples, learnt, held)
    card = ModelCard(
        kind=KIND,
        title=path.stem,
        description=f"{len(learnt)} shapes told apart by {space.latent_size} numbers.",
        data=list(space.names),
        errors=errors,
        details={
            **space.details(),
            "held_out": [meshes[i].name for i in held],
            "options": chosen.model_dump(mode="json"),
        },
    )
    write_model(path, {"network": space.parameters, "latents": space.latents}, card)
    partial.unlink(missing_ok=True)
    report("", 1.0)
    return card


def _meshes_of(folder: Path, report: Progress) -> list[Mesh]:
    if not folder.is_dir():
        raise FileError(folder, "there is no such folder.", remedy="Choose a folder of meshes.")
    paths = registry.mesh_files(folder)
    if len(paths) < LEAST_SHAPES:
        raise FileError(
            folder, f"it has {len(paths)} meshes; a shape space is learnt from {LEAST_SHAPES} at least.",
            remedy="Add more shapes of the same kind.",
        )  # fmt: skip
    meshes = []
    for number, path in enumerate(paths):
        report(f"Reading {path.name}", 0.02 * number / len(paths))
        # Shapes keep their places to each other, so none may be shifted by itself.
        read = registry.read(path, shift="none")
        if not isinstance(read, Mesh):
            raise FileError(path, "it is no mesh.", remedy="Take it out of the folder.")
        meshes.append(Mesh(read.vertices, read.triangles, name=path.stem, unit=read.unit))
    return meshes


def _require_closed(meshes: Sequence[Mesh]) -> None:
    if len(meshes) < LEAST_SHAPES:
        raise GeometryError(f"{len(meshes)} shapes are too few to learn from; take {LEAST_SHAPES} or more.")
    names = [mesh.name for mesh in meshes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GeometryError(f"Several shapes are called {', '.join(twice)}.", remedy="Give each its own name.")
    open_ones = [mesh.name for mesh in meshes if not measure_topology(mesh.triangles).watertight]
    if open_ones:
        raise GeometryError(
            f"These meshes are not closed: {', '.join(open_ones)}.",
            remedy="Close their holes and weld their vertices first (formwright repair), or take them out.",
        )


def _frames(meshes: Sequence[Mesh], options: TrainingParameters) -> list[Frame]:
    boxes = [np.stack([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)]) for mesh in meshes]
    if options.normalise == "each":
        return [Frame.around(box) for box in boxes]
    whole = np.stack([np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)])
    return [Frame.around(whole)] * len(meshes)


def _held_out(count: int, options: TrainingParameters) -> list[int]:
    if count < LEAST_FOR_HOLDING_OUT:
        return []
    order = np.random.default_rng(options.seed).permutation(count)
    return sorted(order[: int(count * options.held_out)].tolist())


def _errors(
    space: ShapeSpace,
    meshes: Sequence[Mesh],
    frames: Sequence[Frame],
    samples: Sequence[DistanceSamples],
    learnt: Sequence[int],
    held: Sequence[int],
) -> dict[str, float]:
    """Mean |s| on the shapes' surfaces, in percent of the longest side of the frame."""

    def on_surface(i: int, field: NetworkField) -> float:
        places = frames[i].to_working(sample_mesh(meshes[i], 4000, seed=1)[0])
        return (
            float(field.plain_values(torch.from_numpy(places.astype(np.float32))).abs().mean()) / WORKING_SIDE * 100.0
        )

    errors = {"training, % of the side": float(np.mean([on_surface(i, space.field(meshes[i].name)) for i in learnt]))}
    if held:
        fitted = []
        for i in held:
            field = space.field()
            fit_latent(field, samples[i])
            fitted.append(on_surface(i, field))
        errors["held out, % of the side"] = float(np.mean(fitted))
    return errors


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise TrainingCancelledError("The training was cancelled.")


def _taken_up(
    path: Path, options: TrainingParameters, samples: Sequence[DistanceSamples], learnt: Sequence[int]
) -> tuple[Training, Path]:
    """The training to go on with, and where it is kept: a new one where none of the same shapes and options is."""
    architecture = Architecture(
        layers=options.layers, width=options.width, activation="silu", octaves=options.octaves,
        latent_size=options.latent_size,
    )  # fmt: skip
    training = Training.begun(architecture, len(learnt), seed=options.seed)
    partial = partial_of(path)
    if partial.exists():
        try:
            card, arrays = read_model(partial, kind=PARTIAL_KIND)
        except FileError:
            return training, partial
        fits = {name: tensor.shape for name, tensor in training.arrays.items()}
        same = {name: tuple(array.shape) for name, array in arrays.items()}
        if card.details.get("fingerprint") == _fingerprint(options, samples, learnt) and fits == same:
            training.arrays = {name: torch.from_numpy(arrays[name].copy()) for name in fits}
            training.iteration = int(card.details["iteration"])
    return training, partial


def _keep(
    partial: Path,
    training: Training,
    options: TrainingParameters,
    samples: Sequence[DistanceSamples],
    learnt: Sequence[int],
) -> None:
    details = {"iteration": training.iteration, "fingerprint": _fingerprint(options, samples, learnt)}
    arrays = {name: _array(tensor) for name, tensor in training.arrays.items()}
    write_model(partial, arrays, ModelCard(kind=PARTIAL_KIND, title=partial.stem, details=details))


def _fingerprint(options: TrainingParameters, samples: Sequence[DistanceSamples], learnt: Sequence[int]) -> str:
    """Of the options and of what is learnt from: another one begins anew."""
    digest = hashlib.sha256(json.dumps([options.model_dump(mode="json"), list(learnt)]).encode())
    for each in samples:
        digest.update(_array(each.values).tobytes())
    return digest.hexdigest()


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
