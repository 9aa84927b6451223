from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.studies.shape_parameters import load_shapes, save_shapes
from engine.surfaces.gshell import TEMPLATES, GShell


def cap(height: float, template: str = "flexicubes") -> GShell:
    axis = torch.linspace(-1.0, 1.0, 13)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    surface = GShell((x * x + y * y + z * z).sqrt() - 0.6, height - z, template=template)
    generator = torch.Generator().manual_seed(1)
    for name, leaf in surface.tensors().items():
        if name in ("offsets", "weights"):
            leaf.data.normal_(generator=generator)
    return surface


@pytest.mark.parametrize("template", TEMPLATES)
def test_shapes_come_back_from_their_file(tmp_path: Path, template: str) -> None:
    shapes = [cap(height, template) for height in (0.1, -0.2)]
    path = tmp_path / "caps.npz"
    save_shapes(shapes, path, names=["one", "two"], scales=[2.0, 2.0])
    with np.load(path, allow_pickle=False) as file:
        assert file["field"].shape == (2, 13, 13, 13) and file["weights"].shape == (2, 12, 12, 12, 21)
        assert file["names"].tolist() == ["one", "two"] and file["scale"].tolist() == [2.0, 2.0]
    for before, after in zip(shapes, load_shapes(path), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before.output(), after.present_output(), strict=True))


def test_shapes_of_two_grids_or_templates_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "shapes.npz"
    for other in (GShell.sphere(8), GShell.sphere(12, template="tetrahedra")):
        with pytest.raises(ParameterError, match="one template"):
            save_shapes([cap(0.1), other], path)
    with pytest.raises(ParameterError):
        save_shapes([], path)
    assert not path.exists()


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", field=np.zeros(3))
    with pytest.raises(ParameterError, match="other"):
        load_shapes(tmp_path / "other.npz")
