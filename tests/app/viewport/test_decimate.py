import numpy as np
import pytest

from app.viewport.decimate import cluster_means, cluster_vertices, shading


def test_clustering_keeps_the_shape_and_about_as_many_vertices_as_asked(sphere):
    mesh = sphere(10.0, 100)
    vertices, triangles, owner = cluster_vertices(mesh.vertices.astype(np.float32), mesh.triangles, 4_000)
    assert mesh.vertex_count > 19_000
    assert 2_000 < len(vertices) < 6_000
    assert len(owner) == mesh.vertex_count and owner.max() == len(vertices) - 1
    radii = np.linalg.norm(vertices, axis=1)
    assert radii.min() > 9.8 and radii.max() <= 10.0001
    corners = vertices[triangles]
    outward = np.einsum(
        "ij,ij->i",
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
        corners.mean(axis=1),
    )
    assert (outward > 0).mean() > 0.99
    assert (np.diff(np.sort(triangles, axis=1), axis=1) > 0).all()


def test_values_of_a_cluster_are_the_mean_of_its_members():
    owner = np.array([0, 0, 1, 1, 1])
    assert cluster_means(np.array([1.0, 3.0, 0.0, 3.0, 6.0]), owner, 2) == pytest.approx([2.0, 3.0])


def test_a_smooth_shape_keeps_its_vertices_and_points_outward(sphere):
    mesh = sphere(1.0, 40)
    normals, triangles, copies = shading(mesh.vertices.astype(np.float32), mesh.triangles)
    assert len(copies) == 0 and triangles is mesh.triangles
    assert np.einsum("ij,ij->i", normals, mesh.vertices).min() > 0.99


def test_the_edges_of_a_box_stay_sharp():
    vertices = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    normals, drawn, copies = shading(vertices, triangles)
    extended = np.concatenate([vertices, vertices[copies]])
    assert (extended[drawn] == vertices[triangles]).all()
    assert np.abs(normals[drawn]).max(axis=2).min() > 0.999  # each corner has the normal of its own side
