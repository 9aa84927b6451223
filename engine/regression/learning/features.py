"""What a model knows of a sample: its shape as coefficients of coordinates on the common mesh, and its scalars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from engine.regression.data.dataset import Sample
from engine.regression.learning.reduction import mass_matrix
from engine.regression.morphing.mapping import Morph, Outline, PreparedMesh, medoid
from engine.regression.morphing.transfer import Located


@dataclass(frozen=True)
class CommonMesh:
    """The mesh on which all samples meet: that of one of them.

    outline : where borders go
    positions : of its nodes on the common shape, as `Morph.positions`
    cells : triangles or tetrahedra, shape (cell_count, 3 or 4), int32
    mean_nodes : where its nodes lie in the mean sample, shape (node_count, dimension)
    source : name of the sample that it comes from
    """

    outline: Outline
    positions: np.ndarray
    cells: np.ndarray
    mean_nodes: np.ndarray
    source: str

    @property
    def node_count(self) -> int:
        return len(self.positions)

    @property
    def dimension(self) -> int:
        return int(self.mean_nodes.shape[1])

    def mass(self) -> csr_matrix:
        """Of the mean sample: so errors count as they do on parts, and not on the common shape."""
        return mass_matrix(self.mean_nodes, self.cells)


@dataclass(frozen=True)
class Correspondence:
    """Between the mesh of a sample and the common one.

    morph : of the sample
    to_common : the common nodes in the sample's mesh
    from_common : the sample's nodes in the common mesh
    """

    name: str
    morph: Morph
    to_common: Located
    from_common: Located


def correspond(
    nodes: Tensor, mesh: PreparedMesh, common: CommonMesh, *, near: Correspondence | None = None
) -> Correspondence:
    """Morph a mesh with its nodes at `nodes` and locate both ways; all weights carry the graph of `nodes`.

    near : of the same mesh with its nodes a little elsewhere; it makes this quicker
    """
    outline = common.outline
    mapped = outline.morph(nodes, mesh)
    there = torch.from_numpy(common.positions)
    return Correspondence(
        mesh.name,
        mapped,
        outline.locate(there, mapped.positions, mapped.cells, near=near.to_common if near else None),
        outline.locate(mapped.positions, there, common.cells, near=near.from_common if near else None),
    )


def coordinates(nodes: Tensor, correspondence: Correspondence) -> Tensor:
    """The sample's coordinates at the common nodes, all of the first axis before all of the second, shape
    (dimension · node_count,)."""
    return correspondence.to_common.interpolate(nodes).T.reshape(-1)


def choose_common(
    samples: list[Sample], prepared: list[PreparedMesh], outline: Outline
) -> tuple[CommonMesh, list[Correspondence]]:
    """The common mesh, and the correspondence of every sample with it.

    It is that of the medoid: the sample whose shape, as seen through the mesh of the first, is nearest to all others.
    """
    morphs = []
    for sample, mesh in zip(samples, prepared, strict=True):
        morphs.append(outline.morph(torch.from_numpy(sample.nodes), mesh))
        mesh.forget()
    first = morphs[0].positions
    some = slice(None, None, max(1, len(first) // 200))
    seen = np.stack(
        [
            outline.locate(first, each.positions, each.cells, of=some)
            .interpolate(torch.from_numpy(sample.nodes))
            .numpy()
            .ravel()
            for sample, each in zip(samples, morphs, strict=True)
        ]
    )
    chosen = medoid(seen)
    positions, cells = morphs[chosen].positions, morphs[chosen].cells
    found = [
        Correspondence(
            mesh.name,
            each,
            outline.locate(positions, each.positions, each.cells),
            outline.locate(each.positions, positions, cells),
        )
        for mesh, each in zip(prepared, morphs, strict=True)
    ]
    nodes = [link.to_common.interpolate(torch.from_numpy(s.nodes)) for link, s in zip(found, samples, strict=True)]
    mean = torch.stack(nodes).mean(0).numpy()
    return CommonMesh(outline, positions.numpy(), cells, mean, samples[chosen].name), found
