"""Workspaces: each has a study of its own in the Project; those of the others rest there meanwhile."""

from __future__ import annotations

from dataclasses import replace

from app.document.project import Project, Resting
from engine.protocol.catalogue import Catalogue
from engine.protocol.scene import Scene
from engine.protocol.study import Study

SURFACE, SHELL = "Surface", "Shell"

WORKSPACES = (SURFACE, SHELL)

SIMULATE = "simulate"
"""The kind of study with which the workspace Shell begins."""


def workspace_of(study: Study, catalogue: Catalogue | None) -> str:
    """The workspace that a study belongs to, also before the engine has said what it offers."""
    entry = next((item for item in catalogue.studies if item.study == study.study), None) if catalogue else None
    if entry is not None:
        return entry.workspace
    return SURFACE if study.scene is None else SHELL


def switched(project: Project, workspace: str, catalogue: Catalogue | None) -> Project:
    """The Project with the study of `workspace` as its study; the one that it had rests."""
    present = workspace_of(project.study, catalogue)
    if present == workspace:
        return project
    resting = {name: other for name, other in project.resting.items() if name != workspace}
    resting[present] = Resting(project.study, project.roles)
    waking = project.resting.get(workspace, Resting(first_study(workspace)))
    return replace(project, study=waking.study, roles=waking.roles, resting=resting).with_named_inputs()


def first_study(workspace: str) -> Study:
    """The study with which a workspace begins."""
    return Study(study=SIMULATE, scene=Scene()) if workspace == SHELL else Study()
