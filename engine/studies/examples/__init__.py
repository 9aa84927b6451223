"""Studies that the program brings, one file each.

The targets of those through a simulation are simulated themselves: a target is a sample (`sample:…` of its input), the
end of the same scene with something of it changed, so that what a study has to find is known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.objectives.target_shape import MILLIMETRE
from engine.protocol.scene import Scene
from engine.protocol.study import Study
from engine.simulation.world.world import World, build_world

FOLDER = Path(__file__).parent

YOUNG = 1e5
"""[Pa] of the cloth that *Identify* is shown; its study begins with five times as much."""

ANGLES = (1.0, -0.7)
"""[rad] of the creases of the card that *Fold* is shown."""

WAY = ((0.01, 0.005, 0.01), (0.02, 0.01, 0.025), (0.03, 0.015, 0.04))
"""[m] of the cloth's top corner at the knots, in the target of *Hold it so*; the bottom one goes towards −y."""


def example_study(name: str) -> Study:
    """The study of that kind; raises `ParameterError` that lists them."""
    known = sorted(path.stem for path in FOLDER.glob("*.toml"))
    if name not in known:
        raise ParameterError("example", f"there is no {name!r}.", remedy=f"There are {', '.join(known)}.")
    return Study.read(FOLDER / f"{name}.toml")


def example_scene(name: str) -> Scene:
    scene = example_study(name).scene
    assert scene is not None
    return scene


def swung_cloth() -> Mesh:
    """What *Identify* is shown: where a cloth is after it swung down."""
    return end_of(with_material(example_scene("identify"), young=YOUNG))


def folded_card() -> Mesh:
    """What *Fold* is to reach."""
    return end_of(folded(example_scene("fold"), *ANGLES))


def lifted_cloth() -> Mesh:
    """What *Hold it so* is to reach."""
    from engine.studies.hold import build_hold

    study = example_study("hold")
    scene = example_scene("hold")
    problem = build_hold(study, {"target": end_of(scene)}, lambda message, fraction: None)
    with torch.no_grad():
        for name, tensor in problem.tensors().items():
            side = 1.0 if "top" in name else -1.0
            tensor.copy_(100.0 * torch.tensor(WAY) * torch.tensor([1.0, side, 1.0]))
    return mesh_of(problem.world, problem.motion()[-1])


def flared_cloth() -> Mesh:
    """What *Flat pattern* is to reach: the drape of a cloth that is cut longer and wider away from its corners."""
    from engine.studies.flat_pattern import build_flat_pattern

    problem = build_flat_pattern(
        example_study("flat-pattern"), {"target": end_of(example_scene("flat-pattern"))}, lambda message, fraction: None
    )
    x, y = torch.from_numpy(problem.pattern()).T * MILLIMETRE / 0.1
    with torch.no_grad():
        problem.tensors()["pattern"].copy_(torch.stack([0.8 * (x + 1.0), 1.2 * (x + 1.0) * y], dim=1))
    return mesh_of(problem.world, problem.motion()[-1])


def motion_of(scene: Scene) -> tuple[World, np.ndarray]:
    """The scene's World, and its positions at the start and after each step [m]."""
    world = build_world(scene)
    stepper = world.stepper()
    frames = [stepper.positions.clone()]
    for number in range(scene.time.steps):
        stepper.step(world.held_during(number))
        frames.append(stepper.positions.clone())
    return world, torch.stack(frames).numpy()


def end_of(scene: Scene) -> Mesh:
    """The first sheet where a scene ends [mm]."""
    world, frames = motion_of(scene)
    return mesh_of(world, frames[-1])


def mesh_of(world: World, positions: np.ndarray) -> Mesh:
    """The first sheet of a World at `positions` [m], as a mesh [mm]."""
    body = world.bodies[world.scene.sheets[0].name]
    return Mesh(positions[body.vertices] / MILLIMETRE, body.own_triangles.astype(np.int32), name="target")


def with_material(scene: Scene, **values: float) -> Scene:
    """The scene with other numbers of its first sheet's material."""
    sheet = scene.sheets[0]
    material = sheet.material.model_copy(update=values)
    return scene.model_copy(update={"sheets": [sheet.model_copy(update={"material": material}), *scene.sheets[1:]]})


def folded(scene: Scene, *angles: float) -> Scene:
    """The scene with its first sheet's creases at these rest angles [rad]."""
    sheet = scene.sheets[0]
    lines = [line.model_copy(update={"angle": angle}) for line, angle in zip(sheet.creases, angles, strict=True)]
    return scene.model_copy(update={"sheets": [sheet.model_copy(update={"creases": lines}), *scene.sheets[1:]]})


def notched_plate() -> Mesh:
    """What *Predict* begins with: a plate that was solved and not learnt from."""
    from engine.regression.data.reading import read_dataset
    from engine.regression.sample_set import sample_data
    from engine.studies.sample_part import part_of

    return part_of(read_dataset(sample_data()).part("test")[3])


TARGETS: dict[str, Callable[[], Mesh]] = {
    "swung-cloth": swung_cloth,
    "folded-card": folded_card,
    "lifted-cloth": lifted_cloth,
    "flared-cloth": flared_cloth,
    "notched-plate": notched_plate,
}
"""What the examples are to reach, or begin with, by what their inputs call it."""
