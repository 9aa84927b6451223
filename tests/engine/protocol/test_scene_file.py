"""Scenes as files: what is written is read again, and what is wrong is said plainly."""

from pathlib import Path

import pytest

from engine.core.errors import FileError, ParameterError
from engine.protocol.scene import (
    BoxShape,
    Crease,
    FrictionPair,
    Gripper,
    Keyframe,
    MeshShape,
    Motion,
    Obstacle,
    Pin,
    Region,
    Scene,
    Sensor,
    Sheet,
    Solid,
)
from engine.protocol.scene_file import is_scene_file, read_scene, scene_toml
from engine.protocol.shell_materials import PRESETS, ShellMaterial
from engine.protocol.study import Study


def full_scene() -> Scene:
    silk = PRESETS["silk"].material
    return Scene(
        inputs={"dome": "sample:dome"},
        sheets=[
            Sheet(name="Plain"),
            Sheet(name="Silk", preset="silk", material=silk),
            # A number that happens to be the one that a material has without a preset.
            Sheet(name="Changed", preset="silk", material=silk.model_copy(update={"young": ShellMaterial().young})),
            Sheet(name="Own", preset="", material=ShellMaterial(young=3e6)),
            Sheet(
                name="Pinned",
                pins=[Pin(name="left", region=Region(kind="side", side="left"), gripper="Hand")],
                creases=[Crease(line=[(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)], angle=1.0)],
            ),
        ],
        solids=[Solid(name="Cushion", shape=BoxShape(size=(0.1, 0.2, 0.05)))],
        obstacles=[Obstacle(name="Dome", shape=MeshShape(input="dome"))],
        grippers=[Gripper(name="Hand", motion=Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=1.0, width=0.01)]))],
        friction=[FrictionPair(between=("Plain", "Dome"), coefficient=0.1)],
        sensors=[Sensor(name="Force", body="Dome")],
    )


def test_a_scene_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text(scene_toml(full_scene()), encoding="utf-8")
    assert is_scene_file(path)
    assert read_scene(path) == full_scene()


def test_inputs_lie_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    text = '[inputs]\nbody = "shapes/body.obj"\n[[sheets]]\nname = "Cloth"\nshape = {kind = "mesh", input = "body"}\n'
    path.write_text(text, encoding="utf-8")
    assert read_scene(path).inputs == {"body": str(tmp_path / "shapes/body.obj")}


def test_a_mesh_without_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text('[[sheets]]\nname = "Cloth"\nshape = {kind = "mesh", input = "body"}\n', encoding="utf-8")
    with pytest.raises(ParameterError, match="'body'"):
        read_scene(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[sheets]]\nname = "A"\nthickness = 1', "thickness"),
        ('[contact]\ngap = "3 kg"', "gap"),
        ('[[sheets]]\nname = "A"\n[[obstacles]]\nname = "A"', "two bodies"),
        ("[[sheets", "TOML"),
        ("[contact]\ngap = true", "gap: write a number"),
        ("[time]\nstep = 1e-300", "step"),
        ("[time]\nduration = 1e12", "duration: at most 1,000,000 s"),
        ('[[sheets]]\nname = "A"\npose = {translation = [0.0, 0.0, "1e9 m"]}', "translation: at most 1,000,000 m"),
        (
            '[[sheets]]\nname = "A"\n[[sheets.pins]]\nmotion = {keyframes = [{time = 0, rotation = [9e9, 0, 0]}]}',
            "rotation",
        ),
        ('[[grippers]]\nname = "A"\nfinger = [0.01, 0, 0.01]', "finger: every side"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scene.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=said):
        read_scene(path)


def test_a_study_serves_where_it_has_a_scene(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    scene = Scene(sheets=[Sheet(name="Cloth")])
    path.write_text(Study(study="simulate", scene=scene).to_toml(), encoding="utf-8")
    assert not is_scene_file(path)
    assert read_scene(path).sheets == scene.sheets
    path.write_text(Study().to_toml(), encoding="utf-8")
    with pytest.raises(FileError, match="without a scene"):
        read_scene(path)
