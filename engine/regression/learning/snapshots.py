"""The training samples on the common mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse import block_diag, csr_matrix

from engine.regression.data.dataset import Dataset, Sample
from engine.regression.learning.features import CommonMesh, Correspondence, choose_common, coordinates
from engine.regression.learning.further_inputs import CURVATURE, further_values, require_curved, wanted
from engine.regression.learning.reduction import gram_matrix
from engine.regression.learning.scaling import Scale
from engine.regression.morphing.mapping import MorphSettings
from engine.regression.morphing.morph import common_outline, prepare_meshes
from engine.regression.settings import TrainingParameters


@dataclass(frozen=True)
class Snapshots:
    """The training samples on the common mesh.

    shapes : coordinates, shape (sample_count, dimension · node_count)
    fields : by name, shape (sample_count, node_count)
    inputs, outputs : scalars, shapes (sample_count, …)
    mass, shape_mass : of fields and of coordinates
    shape_gram, grams : inner products of all snapshots, so that folds need not find them again
    further : what further inputs are made of, by kind, shape (sample_count, value_count)
    further_modes : how many of each there are
    input_scales, output_scales : how scalars are learnt
    """

    samples: tuple[Sample, ...]
    common: CommonMesh
    links: tuple[Correspondence, ...]
    shapes: np.ndarray
    fields: dict[str, np.ndarray]
    inputs: np.ndarray
    outputs: np.ndarray
    mass: csr_matrix
    shape_mass: csr_matrix
    shape_gram: np.ndarray
    grams: dict[str, np.ndarray]
    further: dict[str, np.ndarray]
    further_modes: dict[str, int]
    input_scales: tuple[Scale, ...] = ()
    output_scales: tuple[Scale, ...] = ()

    def chosen(self, rows: np.ndarray) -> Snapshots:
        """Some of the samples, on the same common mesh."""
        square = np.ix_(rows, rows)
        return replace(
            self,
            samples=tuple(self.samples[row] for row in rows),
            links=tuple(self.links[row] for row in rows),
            shapes=self.shapes[rows],
            fields={name: values[rows] for name, values in self.fields.items()},
            inputs=self.inputs[rows],
            outputs=self.outputs[rows],
            shape_gram=self.shape_gram[square],
            grams={name: gram[square] for name, gram in self.grams.items()},
            further={kind: values[rows] for kind, values in self.further.items()},
        )


def take_snapshots(
    samples: tuple[Sample, ...], parameters: TrainingParameters, tell: Callable[[str, float], None]
) -> Snapshots:
    """Morph all samples and bring their fields to the common mesh.

    Raises `DatasetError` that names the sample which cannot be morphed, and `ParameterError` where the samples have no
    inputs of a kind that is wanted.
    """
    further_modes = wanted(parameters)
    if CURVATURE in further_modes:
        require_curved(samples)
    with torch.no_grad():
        prepared = prepare_meshes(samples, parameters.morph)
        settings = MorphSettings(parameters.weights, parameters.turning_share)
        outline = common_outline(samples, prepared, settings)
        common, links = choose_common(list(samples), prepared, outline)
        tell("Bringing fields together", 0.2)
        shapes = np.stack(
            [coordinates(torch.from_numpy(s.nodes), link).numpy() for s, link in zip(samples, links, strict=True)]
        )
        fields = {
            name: np.stack(
                [
                    link.to_common.interpolate(torch.from_numpy(np.asarray(s.fields[name], np.float64))).numpy()
                    for s, link in zip(samples, links, strict=True)
                ]
            )
            for name in samples[0].fields
        }
        further = further_values(samples, prepared, links, common, parameters)
    mass = common.mass()
    shape_mass = csr_matrix(block_diag([mass] * common.dimension))
    part = Dataset(samples)
    return Snapshots(
        samples=samples,
        common=common,
        links=tuple(links),
        shapes=shapes,
        fields=fields,
        inputs=part.inputs(),
        outputs=part.outputs(),
        mass=mass,
        shape_mass=shape_mass,
        shape_gram=gram_matrix(shapes, shape_mass),
        grams={name: gram_matrix(values, mass) for name, values in fields.items()},
        further=further,
        further_modes=further_modes,
    )
