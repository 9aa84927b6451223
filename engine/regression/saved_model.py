"""A regression model as a Model file (`engine.io.model_file`): arrays and a card, no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import FileError
from engine.io.model_file import ModelCard, read_model, write_model
from engine.regression.domain import Domain
from engine.regression.learning.features import CommonMesh
from engine.regression.learning.further_inputs import KINDS, FurtherInputs, ModalInputs, mass_of
from engine.regression.learning.gaussian_process import Hyperparameters, Kernel, Processes
from engine.regression.learning.reduction import Basis
from engine.regression.learning.scaling import InputScales
from engine.regression.learning.sloped_process import SlopedParameters, SlopedProcess, Slopes
from engine.regression.model import FieldModel, RegressionModel, ScalarModel
from engine.regression.morphing.morph import outline_of, outline_record

KIND = "regression"


def save_regression(model: RegressionModel, path: Path) -> None:
    """Write the file whole or not at all; raises `FileError`."""
    processes, parameters = model.processes, model.processes.parameters
    arrays = {
        "common.positions": model.common.positions,
        "common.triangles": model.common.cells,
        "common.mean_nodes": model.common.mean_nodes,
        **{f"outline.{name}": array for name, array in model.common.outline.arrays().items()},
        **_basis_arrays("shape", model.shape),
        "centre": model.centre,
        "spread": model.spread,
        "processes.parameters": parameters.flat().numpy(),
        "processes.inputs": processes.inputs.numpy(),
        "processes.weights": processes.weights.numpy(),
        "processes.centre": processes.centre.numpy(),
        "processes.spread": processes.spread.numpy(),
        "domain.low": model.domain.low,
        "domain.high": model.domain.high,
    }
    for k, one in enumerate(model.fields.values()):
        arrays |= _basis_arrays(f"field {k}", one.basis) | {f"field {k}.truncation": one.truncation}
    for kind, each in model.further.kinds.items():
        arrays |= _basis_arrays(kind, each.basis) | {f"{kind}.centre": each.centre, f"{kind}.spread": each.spread}
    for k, sloped in enumerate(model.sloped.values()):
        arrays |= _sloped_arrays(f"sloped {k}", sloped)
    domain = model.domain
    details = {
        "outline": outline_record(model.common.outline),
        "source": model.common.source,
        "inputs": list(model.input_names),
        "kernel": processes.kernel,
        "totals": {"shape": model.shape.total, **{name: one.basis.total for name, one in model.fields.items()}},
        "fields": [
            {"name": one.name, "unit": one.unit, "columns": [one.columns.start, one.columns.stop], "factor": one.factor}
            for one in model.fields.values()
        ],
        "scalars": [
            {
                "name": one.name, "unit": one.unit, "column": one.column, "factor": one.factor, "scale": one.scale,
                "spread": one.spread,
            }
            for one in model.scalars.values()
        ],
        "logarithmic": {
            "columns": list(model.scales.logarithmic), "centre": list(model.scales.log_centre),
            "spread": list(model.scales.log_spread), "least": list(model.scales.least),
        },
        "sloped": [
            {
                "name": name, "mode": mode, "noise": each.parameters.slope_noise, "centre": each.centre,
                "spread": each.spread,
            }
            for (name, mode), each in model.sloped.items()
        ],
        "domain": {
            "residual": domain.residual, "distance": domain.distance, "worst_angle": domain.worst_angle,
            "shape_count": domain.shape_count,
        },
        "card": dict(model.card),
    }  # fmt: skip
    errors = {name: values["rrmse"] for kind in ("fields", "scalars") for name, values in model.card[kind].items()}
    card = ModelCard(
        kind=KIND, title=str(model.card["data"]), data=[str(model.card["data"])], errors=errors, details=details,
        description="Predicts fields and scalars of a mesh. Errors: relative, on samples that were held out.",
    )  # fmt: skip
    write_model(path, arrays, card)


def load_regression(path: Path) -> RegressionModel:
    """Read the file; raises `FileError` for one that is damaged, of another kind, or newer."""
    card, arrays = read_model(path, kind=KIND)
    try:
        model = _model(card.details, arrays)
        _require_whole(model, arrays)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        raise FileError(path, "this Model is damaged.", remedy="Train it again.") from None
    return model


def _require_whole(model: RegressionModel, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise `ValueError` where arrays do not fit one another, or hold what is no number."""
    nodes, dimension = model.common.mean_nodes.shape
    processes, features = model.processes.weights.shape[0], len(model.centre)
    inputs = features + sum(model.further.mode_counts.values())
    fits = [
        all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f"),
        len(model.common.positions) == nodes and 0 <= model.common.cells.min() <= model.common.cells.max() < nodes,
        model.shape.modes.shape == (features - len(model.input_names), dimension * nodes),
        model.shape.mean.shape == (dimension * nodes,) and model.spread.shape == model.centre.shape,
        model.domain.low.shape == model.domain.high.shape == (len(model.input_names),),
        model.processes.inputs.shape == (model.processes.weights.shape[1], inputs),
        model.processes.parameters.length_scales.shape == (processes, inputs),
        model.processes.centre.shape == model.processes.spread.shape == (processes,),
        all(0 <= one.column < processes for one in model.scalars.values()),
    ]
    for one in model.fields.values():
        width = one.columns.stop - one.columns.start
        fits += [
            one.columns.start >= 0 and one.columns.stop <= processes,
            one.basis.modes.shape == (width, nodes) and one.basis.mean.shape == one.truncation.shape == (nodes,),
        ]
    for sloped in model.sloped.values():
        fits.append(sloped.weights.shape == (len(sloped.inputs) + len(sloped.slopes.values),))
    if not all(fits):
        raise ValueError("arrays do not fit one another")


def _model(details: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> RegressionModel:
    totals = details["totals"]
    tensors = {
        name: torch.from_numpy(np.array(array)) for name, array in arrays.items() if name.startswith("processes")
    }
    common = CommonMesh(
        outline_of(details["outline"], _within("outline", arrays)), arrays["common.positions"],
        arrays["common.triangles"], arrays["common.mean_nodes"], details["source"],
    )  # fmt: skip
    return RegressionModel(
        common=common,
        shape=_basis("shape", arrays, totals["shape"]),
        input_names=tuple(details["inputs"]),
        centre=arrays["centre"],
        spread=arrays["spread"],
        further=FurtherInputs(
            common,
            {
                kind: ModalInputs(
                    _basis(kind, arrays, 0.0), mass_of(kind, common), arrays[f"{kind}.centre"], arrays[f"{kind}.spread"]
                )
                for kind in KINDS
                if f"{kind}.centre" in arrays
            },
        ),
        scales=_scales(arrays, details.get("logarithmic")),
        processes=Processes(
            details["kernel"],
            Hyperparameters.from_flat(tensors["processes.parameters"]),
            tensors["processes.inputs"],
            tensors["processes.weights"],
            tensors["processes.centre"],
            tensors["processes.spread"],
        ),
        fields={
            one["name"]: FieldModel(
                one["name"], one["unit"], _basis(f"field {k}", arrays, totals[one["name"]]), slice(*one["columns"]),
                arrays[f"field {k}.truncation"], one["factor"],
            )
            for k, one in enumerate(details["fields"])
        },
        scalars={one["name"]: ScalarModel(**one) for one in details["scalars"]},
        domain=Domain(low=arrays["domain.low"], high=arrays["domain.high"], **details["domain"]),
        card=details["card"],
        sloped={
            (one["name"], one.get("mode", 0)): _sloped(
                f"sloped {k}", arrays, one, details["kernel"], tensors["processes.inputs"]
            )
            for k, one in enumerate(details.get("sloped", ()))
        },
    )  # fmt: skip


def _scales(arrays: Mapping[str, np.ndarray], logarithmic: Mapping[str, Any] | None) -> InputScales:
    centre, spread = arrays["centre"], arrays["spread"]
    if not logarithmic:
        return InputScales(centre, spread)
    return InputScales(centre, spread, *(tuple(logarithmic[name]) for name in ("columns", "centre", "spread", "least")))


def _sloped_arrays(name: str, process: SlopedProcess) -> dict[str, np.ndarray]:
    """The samples are those of the other processes."""
    return {
        f"{name}.parameters": process.parameters.common.flat().numpy(),
        f"{name}.rows": process.slopes.rows.numpy(),
        f"{name}.columns": process.slopes.columns.numpy(),
        f"{name}.slopes": process.slopes.values.numpy(),
        f"{name}.weights": process.weights.numpy(),
    }


def _sloped(
    name: str, arrays: Mapping[str, np.ndarray], one: Mapping[str, Any], kernel: Kernel, inputs: Tensor
) -> SlopedProcess:
    parameters, rows, columns, slopes, weights = (
        torch.from_numpy(np.array(arrays[f"{name}.{each}"]))
        for each in ("parameters", "rows", "columns", "slopes", "weights")
    )
    return SlopedProcess(
        kernel, SlopedParameters(Hyperparameters.from_flat(parameters), float(one["noise"])), inputs,
        Slopes(rows, columns, slopes), weights, float(one["centre"]), float(one["spread"]),
    )  # fmt: skip


def _within(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those that are called NAME.…, by what follows."""
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}


def _basis_arrays(name: str, basis: Basis) -> dict[str, np.ndarray]:
    return {f"{name}.mean": basis.mean, f"{name}.modes": basis.modes, f"{name}.energies": basis.energies}


def _basis(name: str, arrays: Mapping[str, np.ndarray], total: float) -> Basis:
    return Basis(arrays[f"{name}.mean"], arrays[f"{name}.modes"], arrays[f"{name}.energies"], float(total))
