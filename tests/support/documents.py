"""A small document with something of everything, for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.document.file import CameraRecord, Content, RunNote
from app.document.placement import Placement
from app.document.project import Clip, Measurement, Project, Resting, SceneObject, Selection
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.edits import PaintFreeze
from engine.protocol.scene import Gripper, MeshShape, Pin, RectangleShape, Region, Scene, Sheet
from engine.protocol.shell_materials import preset
from engine.protocol.study import Study, TermSpec

VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
TRIANGLES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
PREVIEW = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763606060000000040001"
    "2734270a0000000049454e44ae426082"
)
"""A PNG of one black pixel."""

CARD = preset("card").material.model_copy(update={"bending_factor": 0.699205898780101})
"""As it was when the file of format 2 was written: presets may change, and documents keep what they hold."""

SCENE = Scene(
    name="shirt",
    sheets=[
        Sheet(name="shirt", shape=MeshShape(input="shirt"), pins=[Pin(gripper="hand", region=Region(vertices=[1, 2]))]),
        Sheet(name="card", shape=RectangleShape(columns=3, rows=2), preset="card", material=CARD),
    ],
    grippers=[Gripper(name="hand", width=0.03)],
)


def part(name: str = "part", scale: float = 1.0) -> Mesh:
    """A tetrahedron with a field on its vertices and one on its faces, which has no value everywhere."""
    heat = Field("heat", np.arange(4, dtype=np.float32), "vertex", "K", True, {"from": "a test"})
    labels = Field("label", np.array([1, 2, 3, 4], np.uint8), "face")
    gaps = Field("gaps", np.array([[0.0, np.nan]] * 4), "vertex")
    return Mesh(
        VERTICES * scale, TRIANGLES, {"heat": heat, "label": labels, "gaps": gaps}, name, "in", ("welded 3",),
        (1000.0, 0.0, 0.0), True,
    )  # fmt: skip


def content(**changes: Any) -> Content:
    """Two objects with placements and groups, a study with a masked Term, strokes, selections, clip, measurements."""
    scan = Points(VERTICES + 5.0, normals=np.eye(4, 3) + np.array([0.0, 0.0, 1e-3]), name="scan")
    placement = Placement((1.0, 2.0, 3.0), (10.0, 0.0, 0.0), (1.0, -2.0, 1.0))
    project = Project(
        objects=(
            SceneObject("part", part(), "#7f8c99", "/data/part.stl", False, placement),
            SceneObject("scan", scan, "#a58f6f", group="scans"),
            SceneObject("copy", part(), "#6f8fa5", "/data/part.stl"),
        ),
        study=Study(
            inputs={"target": "scan"},
            parameters={"resolution": 48, "device": None},
            terms=[TermSpec(kind="fit", name="fit", mask="rim"), TermSpec(kind="smooth", name="smooth", weight=0.25)],
        ),
        roles={"target": "scan"},
        strokes=(PaintFreeze(centres=[(0.0, 1.0, 2.0), (1.0, 1.0, 1.0)], radius=0.5),
                 PaintFreeze(centres=[], radius=1.0, frozen=False)),
        selections=(
            Selection("rim", "part", np.array([0.0, 0.25, 0.5, 1.0])),
            Selection("", "result", np.ones(2), np.array([[0.0, 0, 0], [1, 1, 1]])),
        ),
        clip=Clip("box", bounds=((0.0, 0.0, 0.0), (2.0, 2.0, 2.0)), flipped=True),
        measurements=(Measurement("angle", ((0.0, 0, 0), (1.0, 0, 0), (0.0, 1.0, 0)), 45.0),),
        branch_titles={"branch 2": "a firmer one"},
        resting={"Shell": Resting(Study(study="simulate", scene=SCENE), {"shirt": "part"})},
    )  # fmt: skip
    given: dict[str, Any] = {
        "project": project,
        "camera": CameraRecord(position=(1.0, 2.0, 3.0), focal_point=(0.0, 0.0, 0.0), up=(0.0, 0.0, 1.0)),
        "layout": b"\x00\x01docks",
        "preview": PREVIEW,
        "name": "everything",
        "saved": 1700000000.5,
        "run_inputs": {"target": placement.apply(part())},
    }
    return Content(**given | changes)


def run_files(folder: Path) -> tuple[Path, RunNote]:
    """A folder that looks like a Run's, for who does not look into it."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"format": 1}')
    (folder / "state-1.zip").write_bytes(b"state" * 1000)
    (folder / ".state-2.zip.partial").write_bytes(b"what a writer was at")
    return folder, RunNote(iteration=12, iterations=100, checkpoints=3, state="paused")


def equal(one: Content, other: Content) -> bool:
    """The same content, arrays included."""
    mine, theirs = (
        {role: SceneObject(role, mesh, "") for role, mesh in item.run_inputs.items()} for item in (one, other)
    )
    return mine == theirs and replace(one, run_inputs={}) == replace(other, run_inputs={})
