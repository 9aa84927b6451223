"""glTF animation, as `.glb`: web viewers, Blender and game engines play it. Metres, Y up, seconds.

The frames are morph targets: each body's mesh is its first frame, each later frame where the body has moved is a
target (differences of positions and normals), and the weights go from one target to the next, linearly, so that
between two frames positions are interpolated. A body that does not move has none.

Written here: trimesh (5.2) and VTK (9.7) write no animation, and pygltflib only the same JSON with more words.
Source: Khronos, glTF 2.0 specification, sections 3.7.2.2 (morph targets) and 3.11 (animations).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.geometry.quality import vertex_normals
from engine.io.format import Progress
from engine.io.glb import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Glb, y_up
from engine.io.motion.motion import Motion, MotionBody
from engine.io.motion.registry import MotionFormat


def write(motion: Motion, path: Path, unit: str, progress: Progress) -> tuple[Path, ...]:
    content = Glb()
    with atomic_write(path) as temporary:
        frames = []
        for index in range(len(motion)):
            frames.append(motion.frame(index))
            progress(0.5 * (index + 1) / len(motion))
        times = np.array([frame.time for frame in frames])
        meshes, nodes, materials = [], [], []
        samplers: list[dict[str, Any]] = []
        channels: list[dict[str, Any]] = []
        clock: int | None = None
        for number, body in enumerate(motion.bodies):
            poses = np.stack([frame.positions[body.vertices] for frame in frames])
            moves = len(frames) > 1 and bool((poses != poses[0]).any())
            primitive = _primitive(content, body, poses if moves else poses[:1])
            primitive["material"] = number
            materials.append(_material(body))
            mesh: dict[str, Any] = {"name": body.name, "primitives": [primitive]}
            if moves:
                mesh["weights"] = [0.0] * (len(frames) - 1)
                clock = content.add(times - times[0], bounds=True) if clock is None else clock
                weights = np.eye(len(frames))[:, 1:]
                samplers.append({"input": clock, "output": content.add(weights.reshape(-1)), "interpolation": "LINEAR"})
                channels.append({"sampler": len(samplers) - 1, "target": {"node": number, "path": "weights"}})
            meshes.append(mesh)
            nodes.append({"mesh": number, "name": body.name})
            progress(0.5 + 0.5 * (number + 1) / len(motion.bodies))
        description: dict[str, Any] = {
            "scene": 0,
            "scenes": [{"nodes": list(range(len(nodes)))}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": materials,
        }
        if channels:
            description["animations"] = [{"name": motion.name, "samplers": samplers, "channels": channels}]
        content.write(temporary, description)
    return (path,)


def _primitive(content: Glb, body: MotionBody, poses: np.ndarray) -> dict[str, Any]:
    """A body whose positions [m] are `poses`, shape (frame_count, n, 3): the first, and targets for the others."""
    triangles = body.own_triangles
    first_normals = vertex_normals(poses[0], triangles)
    primitive: dict[str, Any] = {
        "attributes": {
            "POSITION": content.add(y_up(poses[0]), target=ARRAY_BUFFER, bounds=True),
            "NORMAL": content.add(y_up(first_normals), target=ARRAY_BUFFER),
        },
        "indices": content.add(triangles.reshape(-1), target=ELEMENT_ARRAY_BUFFER),
    }
    if len(poses) > 1:
        primitive["targets"] = [
            {
                "POSITION": content.add(y_up(pose - poses[0]), target=ARRAY_BUFFER, bounds=True),
                "NORMAL": content.add(y_up(vertex_normals(pose, triangles) - first_normals), target=ARRAY_BUFFER),
            }
            for pose in poses[1:]
        ]
    return primitive


def _material(body: MotionBody) -> dict[str, Any]:
    """Its colour, in linear light; both sides are seen."""
    srgb = np.array(list(bytes.fromhex(body.colour.lstrip("#")))) / 255.0
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    look = {"baseColorFactor": [*linear.tolist(), 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.7}
    return {"name": body.name, "pbrMetallicRoughness": look, "doubleSided": True}


FORMATS = (MotionFormat("gltf", ".glb", write, unit="m"),)
