"""A Scene becomes a World: bodies in their order, one physical number for many energies, and plain errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.tetrahedral import box_tets
from engine.protocol.scene import (
    DiskShape,
    MeshShape,
    Obstacle,
    Pin,
    PlaneShape,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sheet,
    Solid,
    Time,
)
from engine.simulation.adjoint import simulate
from engine.simulation.world.errors import BodyError
from engine.simulation.world.world import build_world

LEFT = Pin(name="left", region=Region(kind="side", side="left"))
PATCH = Sheet(name="patch", shape=DiskShape(radius=0.02), bending="hinges", pose=Pose(translation=(0.0, 0.0, 0.5)))
SMALL = RectangleShape(columns=4, rows=3)


def cloth(**more: object) -> Sheet:
    return Sheet.model_validate({"name": "cloth", "shape": SMALL, "pins": [LEFT]} | more)


def mesh_scene(vertices: list[list[float]], triangles: list[list[int]]) -> tuple[Scene, dict[str, Mesh]]:
    scene = Scene(sheets=[Sheet(name="scan", shape=MeshShape(input="file"))])
    return scene, {"file": Mesh(np.asarray(vertices), np.asarray(triangles))}


def test_bodies_are_numbered_one_after_the_other() -> None:
    scene = Scene(
        sheets=[cloth(), PATCH],
        solids=[Solid(name="ball", pose=Pose(translation=(0.0, 0.0, 1.0)))],
        obstacles=[Obstacle(name="floor", shape=PlaneShape(), pose=Pose(translation=(0.0, 0.0, -1.0)))],
    )
    world = build_world(scene)
    stop = 0
    for body in world.bodies.values():
        assert body.vertices.start == stop
        stop = body.vertices.stop
        assert body.triangles.min() >= body.vertices.start
        assert body.triangles.max() < stop
    assert stop == len(world.positions)
    assert [body.kind for body in world.bodies.values()] == ["sheet", "sheet", "solid", "obstacle"]
    # Hinges have no rotations: only the first sheet's edges are unknowns.
    assert world.system.unknowns.rotation_count == 3 * 12 + 4 + 3
    floor = world.bodies["floor"]
    assert torch.equal(world.positions[floor.vertices, 2], torch.full((4,), -1.0, dtype=torch.float64))


def test_what_a_sheet_weighs_is_its_area_times_thickness_and_density() -> None:
    world = build_world(Scene(sheets=[cloth(pose=Pose(scale=2.0, rotation=(30.0, 0.0, 0.0)))]))
    material = world.scene.sheets[0].material
    expected = (0.4 * 0.4) * material.thickness * material.density
    assert float(world.system.vertex_masses.sum()) == pytest.approx(expected, rel=1e-12)


def test_a_complaint_names_the_body_even_where_its_name_is_a_word_of_it() -> None:
    pin = Pin(name="edge", region=Region(kind="box", high=(1e-6, 1e-6, 1e-6)))
    with pytest.raises(BodyError, match=r"^a: the pin 'edge'"):
        build_world(Scene(sheets=[cloth(name="a", pins=[pin], pose=Pose(translation=(1.0, 0.0, 0.0)))]))
    with pytest.raises(BodyError, match=r"^disk: The sheet would have too many triangles\..* larger spacing"):
        build_world(Scene(sheets=[Sheet(name="disk", shape=DiskShape(radius=0.5, spacing=1e-5))]))


def test_a_mesh_comes_in_millimetres() -> None:
    scene, inputs = mesh_scene([[0, 0, 0], [100, 0, 0], [0, 50, 0]], [[0, 1, 2]])
    world = build_world(scene, inputs)
    assert world.positions[1].tolist() == [0.1, 0.0, 0.0]


@pytest.mark.parametrize("bending", ["midedge", "hinges"])
def test_one_triangle_falls_and_is_differentiated(bending: str) -> None:
    """It has no inner edge that could bend."""
    _, inputs = mesh_scene([[0, 0, 0], [100, 0, 0], [0, 50, 0]], [[0, 1, 2]])
    sheet = Sheet.model_validate({"name": "scan", "shape": {"kind": "mesh", "input": "file"}, "bending": bending})
    world = build_world(Scene(sheets=[sheet]), inputs)
    young = world.physical("scan.young").clone().requires_grad_()
    motion = simulate(
        world.system, world.positions, steps=3, step_size=0.01, parameters=world.expanded({"scan.young": young})
    )
    assert torch.allclose(motion.positions[-1] - world.positions, torch.tensor([0.0, 0.0, -9.81 * 6e-4]).double())
    motion.positions[-1].sum().backward()
    assert young.grad is not None
    assert float(young.grad) == pytest.approx(0.0, abs=1e-12)


def test_one_physical_number_feeds_all_that_follow_from_it() -> None:
    world = build_world(Scene(sheets=[cloth(material="rubber")]))
    tied = world.physical_parameters()
    assert set(tied["cloth.thickness"]) == {
        "cloth.membrane.thickness",
        "cloth.bending.thickness",
        "cloth.mass.thickness",
    }
    world.assign({"cloth.thickness": torch.tensor(2e-3, dtype=torch.float64)})
    assert {float(world.parameters()[name]) for name in tied["cloth.thickness"]} == {2e-3}
    assert float(world.physical("cloth.thickness")) == 2e-3
    with pytest.raises(ParameterError, match="no such number"):
        world.assign({"cloth.colour": torch.tensor(1.0)})


def test_the_gradient_in_a_physical_number_is_that_of_all_its_places() -> None:
    world = build_world(Scene(sheets=[cloth(material="rubber")], time=Time(step=0.01)))

    def tip(thickness: torch.Tensor) -> torch.Tensor:
        motion = simulate(
            world.system,
            world.positions,
            steps=4,
            step_size=world.scene.time.step,
            held=world.held_path(4),
            parameters=world.expanded({"cloth.thickness": thickness}),
        )
        return motion.positions[-1, -1, 2]

    value = torch.tensor(1e-3, dtype=torch.float64, requires_grad=True)
    tip(value).backward()
    assert value.grad is not None
    change = 1e-7
    with torch.no_grad():
        measured = (tip(value + change) - tip(value - change)) / (2.0 * change)
    assert float(value.grad) == pytest.approx(float(measured), rel=1e-4)


def test_the_same_scene_gives_the_same_steps() -> None:
    worlds = [build_world(Scene(sheets=[cloth(material="silk")])) for _ in range(2)]
    steppers = [world.stepper() for world in worlds]
    for stepper in steppers:
        stepper.run(3)
    assert torch.equal(steppers[0].positions, steppers[1].positions)


def test_a_sheet_that_is_clamped_over_a_width_leaves_it_at_a_right_angle() -> None:
    """A strip of paper that is held over one column of cells is a cantilever: its tip sinks by q L⁴ / 8 D."""
    shape = RectangleShape(width=0.044, height=0.01, columns=22, rows=5)
    clamp = Region(kind="box", low=(-0.03, -1.0, -1.0), high=(-0.0199, 1.0, 1.0))
    material = {"young": 3e9, "poisson": 0.0, "thickness": 1e-4, "density": 800.0}
    strip = Sheet.model_validate(
        {"name": "strip", "shape": shape, "preset": "", "material": material, "pins": [Pin(region=clamp)]}
    )
    world = build_world(Scene(sheets=[strip], time=Time(scheme="quasi-static", step=1.0)))
    stepper = world.stepper()
    stepper.step(world.held_positions(1.0))
    length, stiffness = 0.042, strip.material.bending_stiffness
    sinking = 800.0 * 1e-4 * 9.81 * length**4 / (8.0 * stiffness)
    assert -float(stepper.positions[-1, 2]) == pytest.approx(sinking, rel=0.03)


def test_a_missing_mesh_is_named() -> None:
    with pytest.raises(BodyError, match="scan") as caught:
        build_world(Scene(sheets=[Sheet(name="scan", shape=MeshShape(input="file"))]))
    assert caught.value.body == "scan"


def test_an_edge_with_three_triangles_is_shown() -> None:
    vertices = [[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, -100, 0], [0, 0, 100]]
    scene, inputs = mesh_scene(vertices, [[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    with pytest.raises(BodyError, match="has 3 triangles") as caught:
        build_world(scene, inputs)
    assert caught.value.place == (0, 1)
    assert caught.value.point == (50.0, 0.0, 0.0)


def test_a_vertex_without_triangles_is_shown() -> None:
    scene, inputs = mesh_scene([[0, 0, 0], [100, 0, 0], [0, 100, 0], [7, 8, 9]], [[0, 1, 2]])
    with pytest.raises(BodyError, match="vertex 3") as caught:
        build_world(scene, inputs)
    assert caught.value.point == pytest.approx((7.0, 8.0, 9.0))


def test_places_count_the_bodys_own_vertices() -> None:
    scene, inputs = mesh_scene([[0, 0, 0], [100, 0, 0], [200, 0, 0], [0, 100, 0]], [[0, 1, 2], [0, 1, 3]])
    both = scene.model_copy(update={"sheets": [cloth(), *scene.sheets]})
    with pytest.raises(BodyError, match=r"scan: triangle 0 \(vertices 0, 1 and 2\) has no area") as caught:
        build_world(both, inputs)
    assert caught.value.body == "scan"
    assert caught.value.place == (0, 1, 2)
    assert caught.value.point == pytest.approx((100.0, 0.0, 0.0))


def test_a_scene_in_which_nothing_deforms_is_refused() -> None:
    with pytest.raises(ParameterError, match="nothing that deforms"):
        build_world(Scene(obstacles=[Obstacle(name="floor", shape=PlaneShape())]))


def test_a_curved_rest_shape_wants_midedge_bending() -> None:
    with pytest.raises(BodyError, match="no curved rest shape"):
        build_world(Scene(sheets=[cloth(rest="curved", bending="hinges")]))


def test_a_sheet_that_is_curved_at_rest_rolls_up() -> None:
    """Free of gravity, a strip of rest curvature κ becomes an arc of radius 1/κ."""
    shape = RectangleShape(width=0.1, height=0.02, columns=20, rows=4)
    strip = Sheet.model_validate(
        {"name": "strip", "shape": shape, "rest": "curved", "curvature": (10.0, 0.0, 0.0), "preset": "",
         "material": {"young": 1e7, "poisson": 0.0, "thickness": 1e-3},
         "pins": [Pin(region=Region(kind="box", low=(-0.006, -1, -1), high=(0.006, 1, 1)))]}
    )  # fmt: skip
    still = Scene(sheets=[strip], gravity=(0.0, 0.0, 0.0), time=Time(scheme="quasi-static", step=1.0))
    stepper = build_world(still).stepper()
    stepper.step()
    # The middle is held flat over two cells; what is beyond bends round.
    angle = (0.05 - 0.005) * 10.0
    lift = abs(float(stepper.positions[-1, 2]))
    assert lift == pytest.approx((1.0 - np.cos(angle)) / 10.0, rel=0.05)


def filled_mesh() -> Mesh:
    """A box of tetrahedra as a file gives it: its surface first, one vertex inside moved so that none is alike."""
    box = box_tets((20.0, 20.0, 40.0), 4)
    outer = np.unique(box.surface)
    order = np.concatenate([outer, np.setdiff1d(box.tets, outer)])
    number = np.argsort(order)
    vertices = box.vertices[order]
    vertices[len(outer) :, 2] += 1.0
    inner = vertices[len(outer) :]
    return Mesh(vertices[: len(outer)], number[box.surface], inner=inner, tets=number[box.tets])


def test_a_solid_takes_the_tetrahedra_of_its_mesh() -> None:
    mesh = filled_mesh()
    assert mesh.tets is not None
    solid = Solid(name="part", shape=MeshShape(input="file"), pose=Pose(translation=(0.0, 0.0, 1.0), scale=2.0))
    world = build_world(Scene(sheets=[cloth()], solids=[solid]), {"file": mesh})
    body = world.bodies["part"]
    assert body.tets is not None
    np.testing.assert_array_equal(body.tets - body.first, mesh.tets)
    np.testing.assert_allclose(body.start, 2e-3 * mesh.all_vertices + (0.0, 0.0, 1.0))
    # A vertex has the same number in the mesh that the window shows.
    np.testing.assert_array_equal(body.own_triangles, mesh.triangles)
    weight = float(world.system.vertex_masses[body.vertices].sum())
    assert weight == pytest.approx(8.0 * 0.02 * 0.02 * 0.04 * 1000.0)


def test_an_inverted_tetrahedron_of_a_mesh_is_shown() -> None:
    mesh = filled_mesh()
    assert mesh.tets is not None
    tets = mesh.tets.copy()
    tets[7] = tets[7, [0, 2, 1, 3]]
    solid = Solid(name="part", shape=MeshShape(input="file"), pose=Pose(translation=(1.0, 0.0, 0.0)))
    with pytest.raises(BodyError, match=r"part: tetrahedron 7 .*is inverted") as caught:
        build_world(Scene(solids=[solid]), {"file": replace(mesh, tets=tets)})
    assert caught.value.place == tuple(tets[7].tolist())
    middle = mesh.all_vertices[tets[7]].mean(axis=0) + np.array([1000.0, 0.0, 0.0])
    assert caught.value.point == pytest.approx(tuple(middle))


def test_the_surface_of_a_filled_mesh_serves_an_obstacle() -> None:
    mesh = filled_mesh()
    still = Obstacle(name="anvil", shape=MeshShape(input="file"), pose=Pose(translation=(0.0, 0.0, -1.0)))
    body = build_world(Scene(sheets=[cloth()], obstacles=[still]), {"file": mesh}).bodies["anvil"]
    assert body.count == mesh.vertex_count and body.tets is None
