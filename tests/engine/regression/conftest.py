"""A data set whose fields are known in closed form."""

from __future__ import annotations

import pytest

from engine.regression.data.dataset import Dataset
from engine.regression.generation.known_plates import known_plate


@pytest.fixture(scope="session")
def plates() -> Dataset:
    """Eighty, of which twenty are for testing."""
    samples = tuple(known_plate(index) for index in range(80))
    return Dataset(samples, ("train",) * 60 + ("test",) * 20, {"stress": "MPa", "length": "mm"}, name="plates")
