"""USD animation, as text (`.usda`): Omniverse, Houdini, Maya and Blender read it. Metres, Z up.

Each body is a `Mesh` whose points have a sample a frame, at its time in seconds times `TIME_CODES`; between two samples
whoever plays it interpolates. A body that does not move has one sample.

Written here, for the text is short and the library of USD is not.
Source: Pixar, OpenUSD, `UsdGeomMesh` and the `usda` file format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from engine.core.atomic import atomic_write
from engine.io.format import Progress
from engine.io.motion.motion import Motion, MotionBody
from engine.io.motion.registry import MotionFormat

TIME_CODES = 24.0
"""A second: what programs take where nothing is said."""


def write(motion: Motion, path: Path, unit: str, progress: Progress) -> tuple[Path, ...]:
    root = prim_names([motion.name])[0]
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        first, last = (TIME_CODES * motion.frame(index).time for index in (0, len(motion) - 1))
        file.write(
            f'#usda 1.0\n(\n    defaultPrim = "{root}"\n    metersPerUnit = 1\n    upAxis = "Z"\n'
            f"    startTimeCode = {first:.9g}\n    endTimeCode = {last:.9g}\n"
            f"    timeCodesPerSecond = {TIME_CODES:g}\n    framesPerSecond = {TIME_CODES:g}\n)\n\n"
            f'def Xform "{root}"\n{{\n'
        )
        names = prim_names([body.name for body in motion.bodies])
        for number, (body, name) in enumerate(zip(motion.bodies, names, strict=True)):
            for done in _write_body(file, motion, body, name):
                progress((number + done) / len(names))
        file.write("}\n")
    return (path,)


def prim_names(names: list[str]) -> list[str]:
    """Names as USD allows them, in the same order, no two alike: "hand 2" becomes hand_2."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"\W", "_", name, flags=re.ASCII) or "body"
        stem = f"_{stem}" if stem[0].isdigit() else stem
        taken, number = stem, 1
        while taken in found:
            number += 1
            taken = f"{stem}_{number}"
        found.append(taken)
    return found


def _write_body(file: TextIO, motion: Motion, body: MotionBody, name: str) -> Iterator[float]:
    """Yields the fraction written."""
    triangles = body.own_triangles
    red, green, blue = (channel / 255.0 for channel in bytes.fromhex(body.colour.lstrip("#")))
    title = json.dumps(body.name, ensure_ascii=False)
    file.write(
        f'    def Mesh "{name}" (\n        displayName = {title}\n    )\n    {{\n'
        f'        uniform token subdivisionScheme = "none"\n        uniform bool doubleSided = 1\n'
        f"        color3f[] primvars:displayColor = [({red:.4g}, {green:.4g}, {blue:.4g})]\n"
        f"        int[] faceVertexCounts = [{', '.join(['3'] * len(triangles))}]\n"
        f"        int[] faceVertexIndices = [{', '.join(map(str, triangles.reshape(-1)))}]\n"
        "        point3f[] points.timeSamples = {\n"
    )
    extents: list[tuple[str, str]] = []
    rested: tuple[str, np.ndarray] | None = None
    for index in range(len(motion)):
        frame = motion.frame(index)
        code, points = f"{TIME_CODES * frame.time:.9g}", frame.positions[body.vertices]
        if rested is None or (points != rested[1]).any():
            if rested is not None and extents[-1][0] != rested[0]:
                extents.append(_write_sample(file, *rested))  # or it would creep from the sample before
            extents.append(_write_sample(file, code, points))
        rested = code, points
        yield (index + 1) / len(motion)
    file.write("        }\n        float3[] extent.timeSamples = {\n")
    file.writelines(f"            {code}: {extent},\n" for code, extent in extents)
    file.write("        }\n    }\n")


def _write_sample(file: TextIO, code: str, points: np.ndarray) -> tuple[str, str]:
    """Returns its time code and the corners of its box."""
    file.write(f"            {code}: {_tuples(points)},\n")
    return code, _tuples(np.stack([points.min(axis=0), points.max(axis=0)]))


def _tuples(points: np.ndarray) -> str:
    return "[" + ", ".join(f"({x:.9g}, {y:.9g}, {z:.9g})" for x, y, z in points.tolist()) + "]"


FORMATS = (MotionFormat("usd", ".usda", write, unit="m"),)
