"""Whose vertices are whose in a Trajectory, and the surfaces of bodies: `bodies.json` and `triangles.npy`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import FileError

BODIES = "bodies.json"
TRIANGLES = "triangles.npy"


@dataclass(frozen=True)
class TrajectoryBody:
    """kind : "sheet", "solid", "obstacle" or "gripper"
    vertices : which of all are its own
    triangles : of its surface, numbers of all vertices, int64, shape (n, 3)
    colour : "#rrggbb", or "" for none of its own
    """

    name: str
    kind: str
    vertices: slice
    triangles: np.ndarray
    colour: str = ""


def read_bodies(folder: Path, vertex_count: int) -> tuple[TrajectoryBody, ...]:
    """What `bodies_json` wrote; raises `FileError`."""
    path = folder / BODIES
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        triangles = np.load(folder / TRIANGLES, allow_pickle=False)
        if values["unit"] != "m" or triangles.shape != (len(triangles), 3):
            raise ValueError
        if len(triangles) and not (triangles.min() >= 0 and triangles.max() < vertex_count):
            raise ValueError
        return tuple(
            TrajectoryBody(
                str(body["name"]),
                str(body["kind"]),
                slice(int(body["start"]), int(body["stop"])),
                triangles[int(body["first_triangle"]) : int(body["last_triangle"])].astype(np.int64),
                str(body["colour"]),
            )
            for body in values["bodies"]
        )
    except OSError as error:
        raise FileError(path, "the bodies of this trajectory are missing.") from error
    except (ValueError, TypeError, KeyError, EOFError) as error:
        raise FileError(path, "the bodies of this trajectory are damaged.") from error


def bodies_json(bodies: Sequence[TrajectoryBody]) -> tuple[str, np.ndarray]:
    """`bodies.json`, and the triangles of all bodies one after the other, int32, shape (triangle_count, 3)."""
    described, first = [], 0
    for body in bodies:
        last = first + len(body.triangles)
        described.append(
            {
                "name": body.name,
                "kind": body.kind,
                "start": body.vertices.start,
                "stop": body.vertices.stop,
                "first_triangle": first,
                "last_triangle": last,
                "colour": body.colour,
            }
        )
        first = last
    triangles = [np.zeros((0, 3), np.int32), *(body.triangles.astype(np.int32) for body in bodies)]
    return json.dumps({"unit": "m", "bodies": described}, indent=1), np.concatenate(triangles)
