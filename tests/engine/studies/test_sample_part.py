"""A sample as a part, and a part as a sample again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import write_flat
from engine.studies.part_mesh import anchors_of
from engine.studies.sample_part import part_of, read_part

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]])


def sample(name: str = "one", width: float = 1.0) -> Sample:
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    return Sample(name, SQUARE * [width, 1.0], triangles, inputs={"load": 3.0 * width}, anchors=np.array([2, 0]))


def test_a_sample_of_a_data_set_becomes_a_part_in_millimetres(tmp_path: Path) -> None:
    path = tmp_path / "plates.npz"
    write_flat(Dataset((sample(), sample("two", 2.0)), units={"length": "cm"}), path)
    part, inputs = read_part(path, "two")
    assert inputs == {"load": 6.0} and part.name == "two" and part.unit == "mm"
    np.testing.assert_allclose(part.vertices[:, :2], 10.0 * SQUARE * [2.0, 1.0])
    np.testing.assert_array_equal(part.vertices[:, 2], 0.0)
    np.testing.assert_array_equal(anchors_of(part), [2, 0])
    with pytest.raises(FileError, match="no sample 'three'"):
        read_part(path, "three")


def test_a_volume_has_its_surface_first_and_keeps_its_tetrahedra() -> None:
    nodes = np.array([[0.25, 0.25, 0.25], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    tetrahedra = np.array([[0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [1, 2, 3, 0]])
    surface = np.array([[2, 3, 4], [1, 4, 3], [1, 2, 4], [1, 3, 2]])
    part = part_of(Sample("solid", nodes, surface, anchors=np.array([4, 1]), tetrahedra=tetrahedra), 2.0)
    assert part.tets is not None and part.inner is not None
    assert len(part.vertices) == 4 and len(part.inner) == 1
    everywhere = part.all_vertices
    np.testing.assert_allclose(everywhere[part.triangles], 2.0 * nodes[surface])
    np.testing.assert_allclose(everywhere[part.tets], 2.0 * nodes[tetrahedra])
    np.testing.assert_allclose(everywhere[anchors_of(part)], 2.0 * nodes[[4, 1]])
