"""A data set and a Model to try things with: notched plates that were solved on coarse meshes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import platformdirs

from engine.regression.settings import TrainingParameters

NAME = "notched-plates"

TRAINING = TrainingParameters(field_modes=20, folds=8)


def sample_data() -> Path:
    """An `.npz` of 64 plates of some 500 nodes, 13 of them for testing; it comes with the program.

    Made by `formwright dataset notched-plate --samples 64 --seed 7 --test-share 0.2 --set mesh=coarse`; fields are
    kept to 3 digits, positions to 0.1 µm.
    """
    return Path(__file__).parent / "samples" / f"{NAME}.npz"


def sample_model(
    progress: Callable[[str, float], None] = lambda message, fraction: None, folder: Path | None = None
) -> Path:
    """The file of the Model that learnt from them; it is trained where it is not there yet, which takes seconds.

    folder : where it is kept; the user's cache where None
    """
    path = sample_model_file(folder)
    if not path.is_file():
        from engine.regression.data.reading import read_dataset
        from engine.regression.learning.training import train
        from engine.regression.saved_model import save_regression

        path.parent.mkdir(parents=True, exist_ok=True)
        save_regression(train(read_dataset(sample_data()), TRAINING, progress=progress), path)
    return path


def sample_model_file(folder: Path | None = None) -> Path:
    """Where `sample_model` keeps the Model, whether it is there or not."""
    mark = hashlib.sha256(sample_data().read_bytes() + TRAINING.model_dump_json().encode()).hexdigest()[:12]
    kept = folder or Path(platformdirs.user_cache_dir("formwright", appauthor=False)) / "models"
    return kept / f"{NAME}-{mark}.safetensors"
