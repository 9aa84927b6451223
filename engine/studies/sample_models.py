"""Models to try things with: learnt once from shapes that are generated, and kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.regression import sample_set
from engine.studies.preparing import Tell
from engine.studies.shape_family import partial_scan, vases
from engine.studies.shape_space_parameters import TrainingParameters

VASE_TRAINING = TrainingParameters(iterations=1200, samples=8000, width=48, held_out=0.0)

FAMILIES: dict[str, tuple[Callable[[], Sequence[Mesh]], TrainingParameters]] = {
    "vases": (lambda: vases(14), VASE_TRAINING),
}
"""What each is learnt from, and how."""


def sample_model_names() -> tuple[str, ...]:
    """What there is."""
    return (*FAMILIES, sample_set.NAME)


def sample_model(name: str, progress: Tell, folder: Path | None = None) -> Path:
    """The file of a Model of ours, which is learnt if it is not there yet.

    folder : where it is kept; the user's cache where None
    """
    if name == sample_set.NAME:
        return sample_set.sample_model(lambda title, part: progress(f"Learning, once: {title}", 0.9 * part), folder)
    if name not in FAMILIES:
        known = ", ".join(sample_model_names())
        raise FormwrightError(f"There is no sample model {name!r}.", remedy=f"There are {known}.")
    family, training = FAMILIES[name]
    mark = hashlib.sha256(training.model_dump_json().encode()).hexdigest()[:12]
    path = (
        folder or Path(platformdirs.user_cache_dir("formwright", appauthor=False)) / "models"
    ) / f"{name}-{mark}.safetensors"
    if not path.is_file():
        from engine.studies.shape_spaces import train_meshes

        path.parent.mkdir(parents=True, exist_ok=True)
        train_meshes(
            family(), path, training, progress=lambda title, part: progress(f"Learning, once: {title}", 0.9 * part)
        )
    return path


def vase_scan() -> Points:
    """One side of a vase that is none of those which were learnt."""
    return partial_scan(vases(6, seed=7)[2])
