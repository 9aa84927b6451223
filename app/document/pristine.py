"""What can be had again by opening the same files."""

from __future__ import annotations

from pathlib import Path

from app.document.project import Project
from engine.protocol.study import SAMPLE


def only_opened(project: Project) -> bool:
    """Nothing was done but opening files that are still there: leaving it loses no work."""
    if project.strokes or project.selections or project.measurements or project.clip is not None:
        return False
    if any(spec.kind == "handle" for spec in project.study.terms) or project.study.parameters:
        return False
    if project.samples.split:
        return False
    return all(
        item.placement.is_identity
        and not item.group
        and (item.source.startswith(SAMPLE) or (bool(item.source) and Path(item.source).exists()))
        for item in project.objects
    )
