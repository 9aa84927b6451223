"""What is written is read back, in every format, in its unit and its axes."""

from __future__ import annotations

import dataclasses
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.units import MILLIMETRES_PER
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.isosurface import isosurface
from engine.io.polygons import triangulate
from engine.io.registry import extensions, formats, read, write

MESH_SUFFIXES = ("obj", "stl", "ply", "off", "glb", "3mf", "vtp", "vtk")
FLOAT32 = ("stl", "glb")


def same_surface(one: Mesh, other: Mesh, tolerance: float) -> None:
    """Equal up to the order of vertices: every triangle of one, by its corners, is one of the other's."""
    assert (one.vertex_count, one.triangle_count) == (other.vertex_count, other.triangle_count)
    first, second = (np.sort(item.vertices[item.triangles].reshape(-1, 9), axis=0) for item in (one, other))
    np.testing.assert_allclose(first, second, rtol=0, atol=tolerance)
    volumes = [
        np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2]))
        for corner in (item.vertices[item.triangles] - one.vertices[0] for item in (one, other))
    ]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-4)


@pytest.mark.parametrize("unit", ["mm", "in", "m"])
@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_mesh_round_trip_keeps_shape_axes_and_unit(mesh: Mesh, tmp_path: Path, suffix: str, unit: str) -> None:
    path = tmp_path / f"part.{suffix}"
    report = write(dataclasses.replace(mesh, unit=unit), path)
    declared = suffix in ("glb", "3mf")
    back = read(path, unit=None if declared else unit)
    assert isinstance(back, Mesh)
    assert back.unit == report.unit == ("m" if suffix == "glb" else unit)
    same_surface(mesh, back, 1e-5 if suffix in FLOAT32 else 1e-12)
    assert not any("open" in note or "manifold" in note for note in back.notes)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_far_from_the_origin_the_stated_rounding_is_the_real_one(mesh: Mesh, tmp_path: Path, suffix: str) -> None:
    far = dataclasses.replace(mesh, vertices=mesh.vertices + 1e6)
    report = write(far, tmp_path / f"part.{suffix}")
    back = read(report.path, shift="none")
    assert isinstance(back, Mesh)
    if suffix in FLOAT32:
        assert len(report.warnings) == 1 and 0.01 < report.rounding < 0.2
        distance = np.linalg.norm(far.vertices[:, None] - back.vertices[None], axis=2).min(axis=0).max()
        assert distance <= report.rounding * 1.001
    else:
        assert report.rounding == 0.0 and not report.warnings
        np.testing.assert_array_equal(np.sort(back.vertices, axis=0), np.sort(far.vertices, axis=0))
    assert any("far from the origin" in note for note in back.notes)


@pytest.mark.parametrize("suffix", ["ply", "xyz", "vtp", "obj"])
def test_scan_round_trip(scan: Points, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan.{suffix}"
    write(scan, path, unit="cm")
    back = read(path, unit="cm")
    assert isinstance(back, Points) and back.unit == "cm"
    np.testing.assert_allclose(back.positions, scan.positions, rtol=1e-14, atol=1e-13)
    if suffix != "obj":
        assert back.normals is not None and scan.normals is not None
        np.testing.assert_allclose(back.normals, scan.normals, atol=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=9, max_size=9),
    suffix=st.sampled_from(["obj", "ply", "off", "3mf"]),
)
def test_double_precision_formats_keep_every_bit(tmp_path: Path, values: list[float], suffix: str) -> None:
    vertices = np.array(values).reshape(3, 3)
    if len(np.unique(vertices + 0.0, axis=0)) < 3:
        return
    write(Mesh(vertices, np.array([[0, 1, 2]])), tmp_path / f"one.{suffix}")
    back = read(tmp_path / f"one.{suffix}")
    assert isinstance(back, Mesh)
    np.testing.assert_array_equal(back.vertices, vertices)


def test_every_file_of_the_corpus_opens(corpus: dict[str, Path], mesh: Mesh, scan: Points) -> None:
    for name, path in corpus.items():
        found = read(path)
        if name.startswith(("scan", "pcd")):
            assert isinstance(found, Points), name
            tolerance = 0.51 if name in ("scan las", "scan laz") else 1e-3 if name == "scan e57" else 1e-5
            np.testing.assert_allclose(found.positions, scan.positions, atol=tolerance, err_msg=name)
        elif name == "vti":
            assert isinstance(found, Volume)
        elif name not in ("vtu", "msh"):
            assert isinstance(found, Mesh), name
            same_surface(mesh, found, 1e-5)


def test_volume_mesh_opens_as_its_outer_surface(corpus: dict[str, Path]) -> None:
    found = read(corpus["vtu"])
    assert isinstance(found, Mesh)
    assert (found.vertex_count, found.triangle_count) == (4, 4)
    assert any("outer surface" in note for note in found.notes)


def test_isosurface_of_a_distance_field_is_the_sphere(corpus: dict[str, Path]) -> None:
    volume = read(corpus["vti"], unit="cm")
    assert isinstance(volume, Volume) and not volume.is_segmented("distance")
    surface = isosurface(volume, field="distance", level=0.0)
    # The grid's half side is 5 cm = 50 mm, the sphere's radius 0.7 of it; linear interpolation errs by h²/8R.
    radius = np.linalg.norm(surface.vertices - (150.0, 250.0, 350.0), axis=1)
    np.testing.assert_allclose(radius, 35.0, atol=5.0**2 / (8 * 35.0) * 2)
    corner = surface.vertices[surface.triangles] - (150.0, 250.0, 350.0)
    volume_inside = np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6.0
    assert volume_inside == pytest.approx(4 / 3 * np.pi * 35.0**3, rel=0.03)


def test_isosurface_of_labels_takes_those_asked_for(corpus: dict[str, Path]) -> None:
    volume = read(corpus["vti"])
    assert isinstance(volume, Volume) and volume.is_segmented("labels")
    assert set(volume.labels("labels")) == {0, 1, 2}
    whole = isosurface(volume, field="labels")
    half = isosurface(volume, field="labels", labels=(2,))
    assert whole.bounds[0, 0] == pytest.approx(15.0 - 3.5, abs=0.4)
    assert half.bounds[0, 0] == pytest.approx(15.0, abs=0.5)


def test_seams_of_texture_coordinates_are_closed(tmp_path: Path) -> None:
    """A tetrahedron whose faces share no vertex in a PLY, as exporters write it for textures."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])[[0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]]
    write(Mesh(corners, np.arange(12).reshape(-1, 3)), tmp_path / "seams.ply")
    found = read(tmp_path / "seams.ply")
    assert isinstance(found, Mesh) and found.vertex_count == 4
    assert any("seams" in note for note in found.notes)


def test_touching_solids_stay_apart(tmp_path: Path) -> None:
    """Two tetrahedra that touch in an edge: merging would make it non-manifold."""
    one = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    two = one * (-1, -1, 1)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    write(Mesh(np.concatenate([one, two]), np.concatenate([faces, faces + 4])), tmp_path / "two.obj")
    found = read(tmp_path / "two.obj")
    assert isinstance(found, Mesh) and found.vertex_count == 8


def test_obj_with_slashes_negative_indices_quads_and_continuation(tmp_path: Path) -> None:
    path = tmp_path / "odd.obj"
    path.write_bytes(
        b"mtllib x.mtl\r\nv 0 0 0 1 0 0\r\nv 1 0 0 1 0 0\r\nv 1 1 0 1 0 0\r\nv 0 1 0 1 0 0\r\nvt 0 0\r\nvn 0 0 1\r\n"
        b"f 1/1/1 2//1 \\\r\n 3/1 4\r\nv 0 0 1 0 0 1\r\nf -5 -4 -1\r\n"
    )
    found = read(path)
    assert isinstance(found, Mesh)
    assert found.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 4]]
    np.testing.assert_array_equal(found.fields["colour"].values[4], (0, 0, 1))


def test_ply_big_endian_with_mixed_polygons_and_colours(tmp_path: Path) -> None:
    path = tmp_path / "mixed.ply"
    header = (
        "ply\nformat binary_big_endian 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty float quality\n"
        "element face 2\nproperty uchar flags\nproperty list uchar int vertex_index\nend_header\n"
    )
    rows = b"".join(struct.pack(">3f3Bf", i, i * i, 0, 255, 0, 51, i / 2) for i in range(5))
    faces = struct.pack(">BB4i", 7, 4, 0, 1, 2, 3) + struct.pack(">BB3i", 7, 3, 0, 3, 4)
    path.write_bytes(header.encode() + rows + faces)
    found = read(path)
    assert isinstance(found, Mesh)
    assert found.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4]]
    np.testing.assert_allclose(found.fields["colour"].values[2], (1.0, 0.0, 0.2))
    np.testing.assert_allclose(found.fields["quality"].values, np.arange(5) / 2)


def test_text_scans_find_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "scan.pts"
    path.write_text("2\n1 2 3 -80 255 0 0\n4 5 6 -70 0 255 0\n")
    found = read(path)
    assert isinstance(found, Points) and found.normals is None
    np.testing.assert_array_equal(found.fields["intensity"].values, (-80, -70))
    np.testing.assert_array_equal(found.fields["colour"].values, [[1, 0, 0], [0, 1, 0]])
    path = tmp_path / "scan.csv"
    path.write_text("x,y,z,nx,ny,nz\n1,2,3,0,0,2\n")
    path.write_text("x,y,z,nx,ny,nz\n1,2,3,0,0,1\n4,5,6,0,0.6,0.8\n")
    found = read(path)
    assert isinstance(found, Points) and found.normals is not None


def test_pcd_copies_and_unseen_points(tmp_path: Path) -> None:
    """Twelve zeros as one literal and a copy of eleven (7 + 2 + 2) from one before; and a point that is NaN."""
    zeros = bytes([0, 0, 7 << 5, 2, 0])
    path = tmp_path / "zeros.pcd"
    header = (
        "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 1\nHEIGHT 1\nPOINTS 1\n"
        "DATA binary_compressed\n"
    )
    path.write_bytes(header.encode() + np.array([len(zeros), 12], "<u4").tobytes() + zeros)
    found = read(path)
    assert isinstance(found, Points)
    np.testing.assert_array_equal(found.positions, [[0, 0, 0]])
    path.write_text(
        header.replace("binary_compressed", "ascii").replace("1\nHEIGHT", "2\nHEIGHT").replace("POINTS 1", "POINTS 2")
        + "nan nan nan\n1 2 3\n"
    )
    found = read(path)
    assert isinstance(found, Points) and found.point_count == 1
    assert any("did not see" in note for note in found.notes)


def test_vtk_fields_come_along(mesh: Mesh, tmp_path: Path) -> None:
    heights = Field("height", mesh.vertices[:, 2].copy())
    areas = Field("area", np.arange(mesh.triangle_count, dtype=float), "face")
    write(dataclasses.replace(mesh, fields={"height": heights, "area": areas}), tmp_path / "a.vtp")
    back = read(tmp_path / "a.vtp")
    assert isinstance(back, Mesh)
    np.testing.assert_array_equal(back.fields["height"].values, back.vertices[:, 2])
    np.testing.assert_array_equal(back.fields["area"].values, areas.values)


def test_glb_stands_up_by_the_specification(mesh: Mesh, tmp_path: Path) -> None:
    """Our z is glTF's y, in metres; the header's lengths are those of the file."""
    path = tmp_path / "a.glb"
    write(mesh, path)
    content = path.read_bytes()
    assert struct.unpack("<4sII", content[:12]) == (b"glTF", 2, len(content))
    description = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])
    accessor = description["accessors"][0]
    low, high = mesh.bounds / 1000.0
    np.testing.assert_allclose(accessor["min"], (low[0], low[2], -high[1]), rtol=1e-6)
    np.testing.assert_allclose(accessor["max"], (high[0], high[2], -low[1]), rtol=1e-6)


def test_3mf_of_several_placed_objects_in_inches(tmp_path: Path) -> None:
    import zipfile

    write(Mesh(np.eye(4, 3), np.array([[0, 1, 2], [0, 3, 1]]), unit="in"), tmp_path / "a.3mf", unit="in")
    with zipfile.ZipFile(tmp_path / "a.3mf") as archive:
        model = archive.read("3D/3dmodel.model").decode()
    assert 'unit="inch"' in model
    model = model.replace(
        '<item objectid="1"/>', '<item objectid="1"/><item objectid="1" transform="1 0 0 0 1 0 0 0 1 10 0 0"/>'
    )
    with zipfile.ZipFile(tmp_path / "b.3mf", "w") as archive:
        archive.writestr("3D/3dmodel.model", model)
    one, two = read(tmp_path / "a.3mf"), read(tmp_path / "b.3mf")
    assert isinstance(one, Mesh) and isinstance(two, Mesh) and two.unit == "in"
    np.testing.assert_allclose(one.bounds[1], (1.0, 1.0, 1.0), atol=1e-12)
    assert two.triangle_count == 4
    assert two.bounds[1, 0] == pytest.approx(one.bounds[1, 0] + 10 * MILLIMETRES_PER["in"])


def test_extensions_are_unique_and_write_is_part_of_read() -> None:
    every = [suffix for entry in formats() for suffix in entry.extensions]
    assert len(every) == len(set(every))
    readable = {suffix for group in extensions("read").values() for suffix in group}
    writable = {suffix for group in extensions("write", "mesh").values() for suffix in group}
    assert writable < readable and {".stl", ".ply", ".obj", ".glb", ".3mf"} <= writable
    assert all(entry.unit_rule for entry in formats())


def test_the_formats_import_no_library_and_writing_no_trimesh(mesh: Mesh, tmp_path: Path) -> None:
    """The window lists formats at its start, and writes in its own process; its reading is the loader's."""
    suffixes = [suffix for group in extensions("write", "mesh").values() for suffix in group]
    code = (
        "import sys; import engine.io.loader; from engine.io.registry import formats, write; formats();"
        "print(sorted({'torch', 'warp', 'trimesh', 'vtkmodules', 'scipy', 'pypcd4'} & set(sys.modules)));"
        "from engine.geometry.mesh import Mesh; import numpy as np; one = Mesh(np.eye(3), np.array([[0, 1, 2]]));"
        f"[write(one, {str(tmp_path)!r} + '/a' + suffix) for suffix in {suffixes!r}];"
        "print(sorted({'torch', 'warp', 'trimesh'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["[]", "[]"]


ARROW = np.array([[0.0, 0, 0], [2, -1, 0], [0.5, 0, 0], [2, 1, 0]])
"""A quad with its third corner pushed in, counter-clockwise; its area is 0.5 · |diagonals crossed| = 0.5."""


def arrow_file(folder: Path, suffix: str, ring: list[int]) -> Path:
    path = folder / f"arrow.{suffix}"
    rows = [" ".join(map(repr, row)) for row in ARROW.tolist()]
    if suffix == "obj":
        lines = [*(f"v {row}" for row in rows), "f " + " ".join(str(index + 1) for index in ring)]
    elif suffix == "off":
        lines = ["OFF", "4 1 0", *rows, "4 " + " ".join(map(str, ring))]
    elif suffix == "ply":
        lines = ["ply", "format ascii 1.0", "element vertex 4", *(f"property double {axis}" for axis in "xyz")]
        lines += ["element face 1", "property list uchar int vertex_indices", "end_header", *rows]
        lines.append("4 " + " ".join(map(str, ring)))
    else:
        lines = ["# vtk DataFile Version 3.0", "arrow", "ASCII", "DATASET POLYDATA", "POINTS 4 double", *rows]
        lines += ["POLYGONS 1 5", "4 " + " ".join(map(str, ring))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("turned", range(4))
@pytest.mark.parametrize("suffix", ["obj", "off", "ply", "vtk"])
def test_concave_quads_keep_their_area_and_no_triangle_turns_over(tmp_path: Path, suffix: str, turned: int) -> None:
    for ring, up in ((np.roll(range(4), turned), 1.0), (np.roll(range(4), turned)[::-1], -1.0)):
        found = read(arrow_file(tmp_path, suffix, ring.tolist()))
        assert isinstance(found, Mesh)
        corner = found.vertices[found.triangles]
        normals = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        assert (normals[:, 2] * up > 0).all()
        assert normals[:, 2].sum() / 2 * up == pytest.approx(0.5)


@settings(max_examples=40, deadline=None)
@given(
    radii=st.lists(st.floats(0.2, 3.0), min_size=4, max_size=12),
    offset=st.sampled_from([0.0, 1e6]),
    tilt=st.floats(-3.0, 3.0),
)
def test_star_shaped_polygons_are_cut_without_overlap(radii: list[float], offset: float, tilt: float) -> None:
    """A polygon around the origin, by one radius a corner, tilted in space: its area is that of its triangles."""
    angle = 2 * np.pi * np.arange(len(radii)) / len(radii)
    flat = np.stack([radii * np.cos(angle), radii * np.sin(angle), np.zeros(len(radii))], axis=1)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    positions = flat @ turn.T + offset
    triangles = triangulate(Path("star"), positions, np.array([len(radii)]), np.arange(len(radii)))
    assert triangles.shape == (len(radii) - 2, 3)
    corner = positions[triangles]
    doubled = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) @ turn[:, 2]
    assert (doubled >= -1e-8).all()
    expected = np.sin(2 * np.pi / len(radii)) * np.dot(radii, np.roll(radii, -1))
    assert doubled.sum() == pytest.approx(expected, rel=1e-6)


def test_polygons_that_no_ear_fits_are_fans(tmp_path: Path) -> None:
    positions = np.array([[0.0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0], [np.nan, 0, 0]])
    counts, corners = np.array([4, 4, 2, 4]), np.array([0, 1, 2, 3, 0, 1, 9, 3, 0, 1, 0, 4, 2, 3])
    found = triangulate(tmp_path, positions, counts, corners).tolist()
    assert found == [[0, 1, 2], [0, 2, 3], [0, 1, 9], [0, 9, 3], [0, 4, 2], [0, 2, 3]]


def test_stl_with_bytes_behind_its_end_and_text_of_several_solids(corpus: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "tail.stl").write_bytes(corpus["stl"].read_bytes() + b"made by a careful program")
    (tmp_path / "two.stl").write_text(corpus["text stl"].read_text().replace("torus", "vertex normal solid") * 2)
    one, tail, two = read(corpus["stl"]), read(tmp_path / "tail.stl"), read(tmp_path / "two.stl")
    assert isinstance(one, Mesh) and isinstance(tail, Mesh) and isinstance(two, Mesh)
    np.testing.assert_array_equal(tail.triangles, one.triangles)
    assert two.triangle_count == 2 * one.triangle_count


def test_obj_with_normals_does_not_fall_apart(tmp_path: Path) -> None:
    """Two tetrahedra that touch in an edge, each corner with a normal of its own, after tabs."""
    path = tmp_path / "normals.obj"
    one = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    lines = [f"v\t{x} {y} {z}" for x, y, z in np.concatenate([one, one * (-1, -1, 1)]).tolist()]
    lines += [f"vn 0 0 {index + 1}" for index in range(24)]
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    for index, face in enumerate(np.concatenate([faces, faces + 4]).tolist()):
        lines.append("f\t" + " ".join(f"{corner + 1}//{3 * index + place + 1}" for place, corner in enumerate(face)))
    path.write_text("\n".join(lines))
    found = read(path)
    assert isinstance(found, Mesh) and (found.vertex_count, found.triangle_count) == (8, 8)
    assert not any("open" in note for note in found.notes)


def test_pcd_of_an_old_version_with_loose_spaces_colours_and_histograms(tmp_path: Path) -> None:
    path = tmp_path / "old.pcd"
    path.write_text(
        "# .PCD v.5\nVERSION .5\nFIELDS x y z rgb _ fpfh\nSIZE 4 4 4 4 1 4\nTYPE F F F U U F\nCOUNT 1 1 1 1 1 2\n"
        "WIDTH 2\nHEIGHT 1\nDATA ascii\n1  2 3 255 0 .5 .5 \n4 5\t6 16711680 0 .1 .2\n"
    )
    found = read(path)
    assert isinstance(found, Points) and list(found.fields) == ["colour"]
    np.testing.assert_array_equal(found.positions, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found.fields["colour"].values, [[0, 0, 1], [1, 0, 0]])
