"""The work that a document asks for, with no window: its Run continued, or its Study begun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.document.archive import damaged
from app.document.difference import mask_edits
from app.document.file import open_document
from engine.protocol.recording import RecordedEdit, Recording
from engine.protocol.run_folder import is_run_folder, read_summary
from engine.protocol.study import Study


@dataclass(frozen=True)
class DocumentJob:
    """What is to be run.

    resume : the folder of the Run that goes on; None where one is begun
    edits : what a new Run is steered by from its start: masks, and what is frozen
    """

    study: Study
    inputs: dict[str, Any]
    resume: Path | None
    edits: Recording | None


def read_job(path: Path, folder: Path) -> DocumentJob:
    """Read a document, the files of its Run into `folder`; raises `FileError`."""
    content = open_document(path, run_folder=folder).content
    project = content.project
    if content.run is not None:
        if not is_run_folder(folder):
            raise damaged(path, "its run cannot be read")
        return DocumentJob(read_summary(folder).study, dict(content.run_inputs), folder, None)
    items = {role: project.object(name) for role, name in project.roles.items()}
    inputs = {role: item.placed for role, item in items.items() if item is not None}
    steering = [*mask_edits(project), *project.strokes]
    edits = tuple(RecordedEdit(0, edit.model_dump(mode="json")) for edit in steering)
    return DocumentJob(project.study, inputs, None, Recording(edits) if edits else None)
