"""What a person calls the branches of a Run. A branch without a title is called by its name in the History."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.document.project import Project


def branch_title(project: Project, branch: str) -> str:
    return project.branch_titles.get(branch, branch)


def with_branch_title(project: Project, branch: str, title: str) -> Project:
    """The Project with a branch called so; "" and the branch's own name take the title away. The same Project where
    nothing changes."""
    title = title.strip()
    titles = {name: said for name, said in project.branch_titles.items() if name != branch}
    if title and title != branch:
        titles[branch] = title
    return project if titles == project.branch_titles else replace(project, branch_titles=titles)


def with_branches(project: Project, renamed: Mapping[str, str], gone: str = "") -> Project:
    """The Project after branches got other names in the History, all at once, and one went: titles go along."""
    titles = {renamed.get(name, name): said for name, said in project.branch_titles.items() if name != gone}
    titles = {name: said for name, said in titles.items() if said != name}
    return project if titles == project.branch_titles else replace(project, branch_titles=titles)


def without_branches(project: Project) -> Project:
    """The Project as another Run begins: its branches are others."""
    return replace(project, branch_titles={}) if project.branch_titles else project
