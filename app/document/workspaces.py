"""Workspaces: each has a study of its own in the Project; those of the others rest there meanwhile.

So do studies of the other kinds of a workspace: they share its scene and its meshes, and each keeps its own parameters,
Terms, optimiser and inputs.
"""

from __future__ import annotations

from dataclasses import replace

from app.document.project import Project, Resting
from engine.protocol.catalogue import Catalogue, GalleryEntry
from engine.protocol.scene import Scene
from engine.protocol.study import Study

SURFACE, SHELL, REGRESSION = "Surface", "Shell", "Regression"

WORKSPACES = (SURFACE, SHELL, REGRESSION)

KIND = "study:"
"""With which the keys of studies begin that rest beside another kind of their workspace."""

SIMULATE = "simulate"
"""The kind of study with which the workspace Shell begins."""

PREDICT = "predict"
"""The kind of study with which the workspace Regression begins."""


PART = "mesh"
"""The role of what that study predicts something of."""


def workspace_of(study: Study, catalogue: Catalogue | None) -> str:
    """The workspace that a study belongs to, also before the engine has said what it offers."""
    entry = next((item for item in catalogue.studies if item.study == study.study), None) if catalogue else None
    if entry is not None:
        return entry.workspace
    if study.study == PREDICT:
        return REGRESSION
    return SURFACE if study.scene is None else SHELL


def gallery_of(workspace: str, catalogue: Catalogue | None) -> list[GalleryEntry]:
    """The studies of the gallery, those of a workspace before the others."""
    entries = catalogue.gallery if catalogue is not None else []
    return sorted(entries, key=lambda entry: workspace_of(entry.study, catalogue) != workspace)


def switched(project: Project, workspace: str, catalogue: Catalogue | None) -> Project:
    """The Project with the study of `workspace` as its study; the one that it had rests."""
    present = workspace_of(project.study, catalogue)
    if present == workspace:
        return project
    resting = {name: other for name, other in project.resting.items() if name != workspace}
    resting[present] = Resting(project.study, project.roles)
    waking = project.resting.get(workspace, Resting(first_study(workspace)))
    return replace(project, study=waking.study, roles=waking.roles, resting=resting).with_named_inputs()


def with_kind(project: Project, kind: str, catalogue: Catalogue) -> Project:
    """The Project with a study of another kind of the same workspace: as it was left, else with all at its defaults.

    An object that plays the role of an input which both kinds have plays it in the other one too.
    """
    before = project.study
    shared = set(before.scene.mesh_inputs() if before.scene is not None else ())
    own = {role: name for role, name in project.roles.items() if role not in shared}
    resting = {key: other for key, other in project.resting.items() if key != KIND + kind}
    resting[KIND + before.study] = Resting(before.model_copy(update={"scene": None}), own)
    woken = project.resting.get(KIND + kind, Resting(default_of(kind, catalogue)))
    wanted = catalogue.study(kind).inputs
    kept = {role: name for role, name in own.items() if role in wanted}
    common = {role: name for role, name in project.roles.items() if role in shared}
    study = woken.study.model_copy(update={"scene": before.scene})
    changed = replace(project, study=study, roles={**woken.roles, **kept, **common}, resting=resting)
    return changed.with_named_inputs()


def default_of(kind: str, catalogue: Catalogue | None) -> Study:
    """A study of a kind with all at its defaults; its Terms are to be filled in."""
    entry = next((item for item in catalogue.studies if item.study == kind), None) if catalogue else None
    return Study(study=kind) if entry is None else Study(study=kind, optimizer=entry.default_optimizer.model_copy())


def first_study(workspace: str) -> Study:
    """The study with which a workspace begins."""
    if workspace == REGRESSION:
        return Study(study=PREDICT)
    return Study(study=SIMULATE, scene=Scene()) if workspace == SHELL else Study()
