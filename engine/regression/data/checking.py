"""What is looked at before anything is learnt: each complaint names the sample."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from engine.regression.data.dataset import Dataset, DatasetError, Sample

SAME_PLACE = 1e-12
"""Parts of the diagonal within which two nodes are one."""


def check_dataset(dataset: Dataset) -> None:
    """Raise `DatasetError` for the first sample that cannot be learnt from."""
    first = dataset.samples[0]
    seen: set[str] = set()
    for sample in dataset:
        if sample.name in seen:
            raise DatasetError(f"Two samples are called {sample.name}.", remedy="Give every sample a name of its own.")
        seen.add(sample.name)
        check_sample(sample)
        require_same(sample, first)
    kinds = [topology(sample) for sample in dataset]
    usual = Counter(kinds).most_common(1)[0][0]
    for sample, found in zip(dataset, kinds, strict=True):
        if found != usual:
            raise DatasetError(
                f"{sample.name} has {describe(found)}; the others have {describe(usual)}.",
                remedy="Leave it out, or learn from samples of one topology.",
            )
    if not dataset.field_names and not dataset.output_names:
        raise DatasetError(f"{dataset.name} has neither fields nor scalars to predict.")


def check_sample(sample: Sample) -> None:
    """Raise `DatasetError` for a mesh or values that cannot be used."""
    if sample.nodes.ndim != 2 or sample.nodes.shape[1] not in (2, 3):
        raise DatasetError(
            f"{sample.name}: its nodes have shape {sample.nodes.shape}; (count, 2) or (count, 3) is wanted."
        )
    if not len(sample.nodes) or not len(sample.triangles):
        raise DatasetError(f"{sample.name}: it has no mesh.")
    if not np.isfinite(sample.nodes).all():
        bad = int(np.flatnonzero(~np.isfinite(sample.nodes).all(axis=1))[0])
        raise DatasetError(f"{sample.name}: node {bad} has a coordinate that is not a number.")
    if not (sample.triangles.min() >= 0 and sample.triangles.max() < len(sample.nodes)):
        raise DatasetError(f"{sample.name}: a triangle refers to a node that does not exist.")
    kind = "tetrahedron" if len(sample.tetrahedra) else "triangle"
    if not (sample.cells.min() >= 0 and sample.cells.max() < len(sample.nodes)):
        raise DatasetError(f"{sample.name}: a {kind} refers to a node that does not exist.")
    unused = len(sample.nodes) - len(np.unique(sample.cells))
    if unused:
        raise DatasetError(
            f"{sample.name}: {unused} nodes belong to no {kind}.", remedy="Take them out of its mesh and fields."
        )
    twin = _duplicate(sample.nodes)
    if twin is not None:
        raise DatasetError(f"{sample.name}: nodes {twin[0]} and {twin[1]} lie in the same place.", remedy="Merge them.")
    if len(sample.anchors) and not (sample.anchors.min() >= 0 and sample.anchors.max() < len(sample.nodes)):
        raise DatasetError(f"{sample.name}: an anchor is no node of its mesh.")
    if len(np.unique(sample.anchors)) < len(sample.anchors):
        raise DatasetError(f"{sample.name}: one node is two anchors.")
    for name, values in sample.fields.items():
        if np.shape(values) != (len(sample.nodes),):
            raise DatasetError(
                f"{sample.name}: field {name!r} has {len(np.ravel(values))} values for {len(sample.nodes)} nodes."
            )
        if not np.isfinite(values).all():
            bad = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DatasetError(f"{sample.name}: field {name!r} is not a number at node {bad}.")
    for name in sample.outputs:
        if name in sample.fields or name in sample.inputs:
            other = "a field" if name in sample.fields else "a known scalar"
            raise DatasetError(
                f"{sample.name}: {name!r} is both a scalar to predict and {other}.", remedy="Rename one of them."
            )
    for kind, scalars in (("input", sample.inputs), ("output", sample.outputs)):
        for name, value in scalars.items():
            if not np.isfinite(value):
                raise DatasetError(f"{sample.name}: {kind} {name!r} is {value}, which is no number.")
    for name, gradient in sample.gradients.items():
        if name not in sample.outputs:
            raise DatasetError(f"{sample.name}: there is a gradient of {name!r}, which is no output.")
        if gradient.nodes is not None and np.shape(gradient.nodes) != sample.nodes.shape:
            raise DatasetError(
                f"{sample.name}: the gradient of {name!r} has shape {np.shape(gradient.nodes)}; that of the nodes is "
                f"{sample.nodes.shape}."
            )
        known = (*gradient.inputs.values(), *(() if gradient.nodes is None else np.ravel(gradient.nodes)))
        if not np.isfinite(known).all():
            raise DatasetError(
                f"{sample.name}: the gradient of {name!r} is not a number.", remedy="Leave out what is not known."
            )
    for name, derivatives in sample.field_gradients.items():
        if name not in sample.fields:
            raise DatasetError(f"{sample.name}: there is a gradient of {name!r}, which is no field.")
        for scalar, values in derivatives.items():
            if scalar not in sample.inputs:
                raise DatasetError(f"{sample.name}: field {name!r} has a derivative by {scalar!r}, which is no input.")
            if np.shape(values) != (len(sample.nodes),) or not np.isfinite(values).all():
                raise DatasetError(
                    f"{sample.name}: the derivative of {name!r} by {scalar!r} is not one number a node.",
                    remedy="Leave out what is not known.",
                )


def topology(sample: Sample) -> tuple[int, int, int]:
    """Number of parts, Euler characteristic and number of boundary loops of a mesh; of a volume those of its border."""
    edges = np.sort(sample.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64), axis=1)
    keys, count = np.unique(edges[:, 0] * len(sample.nodes) + edges[:, 1], return_counts=True)
    unique = np.stack(np.divmod(keys, len(sample.nodes)), axis=1)
    if (count > 2).any():
        raise DatasetError(f"{sample.name}: an edge has more than two triangles.", remedy="Repair its mesh.")
    used, ends = np.unique(unique, return_inverse=True)
    nodes = len(used)
    links = coo_matrix((np.ones(len(unique)), ends.reshape(-1, 2).T), shape=(nodes, nodes))
    parts = connected_components(links, directed=False)[0]
    border = unique[count == 1]
    ends = np.unique(border)
    renumbered = np.searchsorted(ends, border)
    loops = 0
    if len(ends):
        if (np.bincount(renumbered.ravel()) != 2).any():
            raise DatasetError(f"{sample.name}: its border touches itself in a node.", remedy="Repair its mesh.")
        links = coo_matrix((np.ones(len(border)), renumbered.T), shape=(len(ends), len(ends)))
        loops = connected_components(links, directed=False)[0]
    return int(parts), int(nodes - len(unique) + len(sample.triangles)), int(loops)


def describe(found: tuple[int, int, int]) -> str:
    """A topology in words."""
    parts, euler, loops = found
    return f"{parts} part{'s' * (parts != 1)}, {loops} border{'s' * (loops != 1)} and Euler number {euler}"


def require_same(sample: Sample, first: Sample) -> None:
    """Raise `DatasetError` where a sample has not what the first one has."""
    if sample.nodes.shape[1] != first.nodes.shape[1]:
        raise DatasetError(
            f"{sample.name} has {sample.nodes.shape[1]} coordinates a node; {first.name} has {first.nodes.shape[1]}."
        )
    for kind, here, there in (
        ("fields", sample.fields, first.fields),
        ("inputs", sample.inputs, first.inputs),
        ("outputs", sample.outputs, first.outputs),
    ):
        missing, more = set(there) - set(here), set(here) - set(there)
        if missing or more:
            said = f"lacks {', '.join(sorted(missing))}" if missing else f"has {', '.join(sorted(more))} too"
            raise DatasetError(f"{sample.name}: among its {kind} it {said}, unlike {first.name}.")
    if bool(len(sample.tetrahedra)) != bool(len(first.tetrahedra)):
        kinds = ["a volume" if len(each.tetrahedra) else "a surface" for each in (sample, first)]
        raise DatasetError(f"{sample.name} is {kinds[0]}; {first.name} is {kinds[1]}.")
    if len(sample.anchors) != len(first.anchors):
        raise DatasetError(
            f"{sample.name} has {len(sample.anchors)} anchors; {first.name} has {len(first.anchors)}.",
            remedy="Every sample needs the same anchors in the same order.",
        )


def _duplicate(nodes: np.ndarray) -> tuple[int, int] | None:
    """Two nodes in the same place, or None."""
    reach = SAME_PLACE * float(np.linalg.norm(np.ptp(nodes, axis=0)) or 1.0)
    order = np.lexsort(np.round(nodes / reach).T)
    close = np.flatnonzero((np.abs(np.diff(nodes[order], axis=0)) <= reach).all(axis=1))
    return None if not len(close) else (int(order[close[0]]), int(order[close[0] + 1]))
