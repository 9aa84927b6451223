"""Inputs of a Run cross to the engine process without their bytes in the pipe."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path

import numpy as np

from app.worker.parcel import Parcel, parcelled
from engine.geometry.points import Points
from engine.io.transport import LARGE

random = np.random.default_rng(0).random


def test_a_parcel_arrives_as_its_content_without_its_bytes(tmp_path: Path) -> None:
    large, scan = Points(random((LARGE // 24 + 1, 3))), Points(random((5, 3)), np.eye(5, 3))
    message = pickle.dumps(parcelled({"target": large, "small": scan, "other": 3}, tmp_path))
    assert len(message) < 10_000
    found = pickle.loads(message)
    assert isinstance(found["target"], Points) and found["other"] == 3
    np.testing.assert_array_equal(found["target"].positions, large.positions)
    np.testing.assert_array_equal(found["small"].normals, scan.normals)
    del found
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_without_room_on_the_disk_a_parcel_carries_its_bytes(tmp_path: Path) -> None:
    scan = Points(random((5, 3)))
    found = pickle.loads(pickle.dumps(Parcel(scan, tmp_path / "gone")))
    assert isinstance(found, Points)
    np.testing.assert_array_equal(found.positions, scan.positions)
