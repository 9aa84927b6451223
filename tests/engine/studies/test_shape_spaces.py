"""Shape spaces: learnt from a folder, interrupted and taken up, kept as a Model, and used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.device import Device
from engine.core.errors import FileError, FormwrightError, GeometryError, ParameterError
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.sampling import sample_mesh
from engine.geometry.topology import measure_topology
from engine.io.model_file import read_card
from engine.io.registry import write
from engine.studies.shape_family import partial_scan, vases
from engine.studies.shape_making import complete, interpolate, shape_at
from engine.studies.shape_space_parameters import TrainingParameters
from engine.studies.shape_spaces import TrainingCancelledError, train_meshes, train_shapes
from engine.surfaces.shape_space import ShapeSpace, load_shape_space

QUICK = TrainingParameters(iterations=40, samples=1000, batch=32, width=16, layers=2, latent_size=3)


def distance(mesh: Mesh, other: Mesh) -> float:
    """Mean over points of `mesh` to `other` [mm]."""
    points = sample_mesh(mesh, 3000, 0)[0]
    index = TriangleIndex(other.vertices, other.triangles, Device("cpu"))
    return float(index.closest(points).distances.mean())


@pytest.fixture(scope="module")
def family() -> list[Mesh]:
    return vases(10)


@pytest.fixture(scope="module")
def space(family: list[Mesh], tmp_path_factory: pytest.TempPathFactory) -> ShapeSpace:
    """A small one of all but the last vase, good to half a millimetre."""
    path = tmp_path_factory.mktemp("models") / "vases.safetensors"
    options = TrainingParameters(iterations=500, samples=8000, latent_size=6, held_out=0.0)
    card = train_meshes(family[:-1], path, options)
    assert card == read_card(path)
    assert card.errors["training, % of the side"] < 0.5
    return load_shape_space(path)


def test_the_family_is_closed_and_outward(family: list[Mesh]) -> None:
    for mesh in family:
        topology = measure_topology(mesh.triangles)
        assert topology.watertight and topology.consistent_winding and topology.euler_characteristic == 2
        a, b, c = mesh.vertices[mesh.triangles].transpose(1, 0, 2)
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0


def test_training_shapes_come_back(space: ShapeSpace, family: list[Mesh]) -> None:
    for mesh in family[:3]:
        made = shape_at(space, mesh.name, resolution=40)
        assert measure_topology(made.triangles).watertight
        assert max(distance(made, mesh), distance(mesh, made)) < 1.0


def test_latents_are_white_and_ordered(space: ShapeSpace) -> None:
    assert np.abs(space.latents.mean(axis=0)).max() < 1e-4
    covariance = np.cov(space.latents.T, bias=True)
    assert np.abs(covariance - np.eye(space.latent_size)).max() < 1e-3


def test_a_part_of_a_shape_never_seen_is_completed(space: ShapeSpace, family: list[Mesh]) -> None:
    whole = family[-1]
    scan = partial_scan(whole, count=1500)
    completed = complete(space, scan, iterations=150, resolution=40)
    mean_shape = shape_at(space, np.zeros(space.latent_size), resolution=40)
    far = whole.vertices[whole.vertices[:, 0] < -5.0]
    index = TriangleIndex(completed.mesh.vertices, completed.mesh.triangles, Device("cpu"))
    # What the scanner never saw is there too.
    assert float(index.closest(far).distances.mean()) < 2.0
    assert distance(whole, completed.mesh) < 1.5 < 0.5 * distance(whole, mean_shape)
    assert completed.error_mm < 1.0


def test_shapes_between_two_lie_between_them(space: ShapeSpace) -> None:
    first, second = space.names[0], space.names[1]
    steps = interpolate(space, first, second, 4, resolution=32)
    heights = [float(np.ptp(mesh.vertices[:, 2])) for mesh in steps]
    assert all(measure_topology(mesh.triangles).watertight for mesh in steps)
    assert heights == sorted(heights) or heights == sorted(heights, reverse=True)
    assert abs(heights[-1] - heights[0]) > 5.0


def test_what_is_not_in_the_space_is_refused(space: ShapeSpace) -> None:
    with pytest.raises(ParameterError, match="not among what was learnt"):
        shape_at(space, "teapot")
    with pytest.raises(ParameterError, match="finite numbers"):
        shape_at(space, np.zeros(space.latent_size + 1))


def test_a_training_that_is_cancelled_goes_on_as_if_nothing_had_happened(family: list[Mesh], tmp_path: Path) -> None:
    whole, halved = tmp_path / "whole.safetensors", tmp_path / "halved.safetensors"
    train_meshes(family[:4], whole, QUICK)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    with pytest.raises(TrainingCancelledError):
        train_meshes(family[:4], halved, QUICK, cancelled=cancelled)
    partial = halved.with_name(halved.name + ".part")
    assert partial.exists() and not halved.exists()
    done: list[float] = []
    train_meshes(family[:4], halved, QUICK, progress=lambda title, fraction: done.append(fraction))
    assert not partial.exists()
    assert done == sorted(done) and done[-1] == 1.0
    one, other = load_shape_space(whole), load_shape_space(halved)
    assert np.array_equal(one.parameters, other.parameters) and np.array_equal(one.latents, other.latents)


def test_a_training_of_other_shapes_begins_anew(family: list[Mesh], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(TrainingCancelledError):
        calls = iter(range(10**6))
        train_meshes(family[:4], path, QUICK, cancelled=lambda: next(calls) > 20)
    train_meshes(family[1:5], path, QUICK)
    train_meshes(family[1:5], tmp_path / "fresh.safetensors", QUICK)
    fresh = load_shape_space(tmp_path / "fresh.safetensors")
    assert np.array_equal(load_shape_space(path).parameters, fresh.parameters)


def test_a_folder_is_learnt_from(family: list[Mesh], tmp_path: Path) -> None:
    folder = tmp_path / "shapes"
    folder.mkdir()
    for mesh in family[:8]:
        write(mesh, folder / f"{mesh.name}.ply")
    (folder / "notes.txt").write_text("not a shape")
    card = train_shapes(folder, tmp_path / "model.safetensors", QUICK)
    assert len(card.data) == 7 and len(card.details["held_out"]) == 1
    assert card.errors["held out, % of the side"] > 0.0


def test_a_folder_that_does_not_do_is_refused(family: list[Mesh], tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    with pytest.raises(FileError, match="no such folder"):
        train_shapes(tmp_path / "nowhere", model, QUICK)
    folder = tmp_path / "few"
    folder.mkdir()
    for mesh in family[:2]:
        write(mesh, folder / f"{mesh.name}.ply")
    with pytest.raises(FileError, match="it has 2 meshes"):
        train_shapes(folder, model, QUICK)
    open_mesh = Mesh(family[2].vertices, family[2].triangles[:-5], name="torn")
    write(open_mesh, folder / "torn.ply")
    with pytest.raises(GeometryError, match=r"not closed: torn\."):
        train_shapes(folder, model, QUICK)
    assert not model.exists()


def test_shapes_are_normalised_each_when_asked(family: list[Mesh], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    moved = [Mesh(mesh.vertices * (1 + i) + 50.0 * i, mesh.triangles, name=mesh.name) for i, mesh in enumerate(family)]
    options = QUICK.model_copy(update={"normalise": "each"})
    train_meshes(moved[:4], path, options)
    train_meshes(family[:4], tmp_path / "unmoved.safetensors", options)
    one, other = load_shape_space(path), load_shape_space(tmp_path / "unmoved.safetensors")
    assert np.allclose(one.latents, other.latents, atol=0.1)
    assert one.frame.length_to_world(1.8) == pytest.approx(100.0)


def test_a_model_that_does_not_fit_its_card_is_refused(space: ShapeSpace) -> None:
    with pytest.raises(FormwrightError, match="do not fit"):
        ShapeSpace.from_arrays({"network": np.zeros(3), "latents": space.latents}, space.names, space.details())
    with pytest.raises(FormwrightError, match="lack"):
        ShapeSpace.from_arrays({}, space.names, space.details())
