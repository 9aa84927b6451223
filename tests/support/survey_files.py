"""Surveyors' scans as their own libraries write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_las(points: np.ndarray, path: Path) -> None:
    """Positions [m] with three digits, with an offset, as surveyors write them."""
    import laspy

    header = laspy.LasHeader(point_format=3, version="1.4")
    header.offsets, header.scales = np.floor(points.mean(axis=0)), np.full(3, 1e-3)
    data = laspy.LasData(header)
    data.x, data.y, data.z = points.T
    data.intensity = np.arange(len(points))
    data.red = np.linspace(0, 65535, len(points)).astype(np.uint16)
    data.write(str(path))


def write_e57(points: np.ndarray, path: Path, translation: np.ndarray) -> None:
    """Positions [m] against the scanner, which stands at `translation`."""
    import pye57

    file = pye57.E57(str(path), mode="w")
    colours = {name: np.arange(len(points)).astype(np.uint8) for name in ("colorRed", "colorGreen", "colorBlue")}
    axes = {f"cartesian{axis}": points[:, i].copy() for i, axis in enumerate("XYZ")}
    file.write_scan_raw(axes | colours, translation=translation)
    file.close()
