"""The workspace Regression: its tab, its docks, and the study with which it begins."""

from __future__ import annotations

from typing import Any

from app.document.workspaces import REGRESSION, first_study, workspace_of


def test_the_tab_brings_up_the_docks_of_samples_and_model_and_another_workspace_hides_them(window: Any) -> None:
    assert window.docks["samples"].isHidden() and window.docks["model"].isHidden()
    window.registry.trigger("workspace.regression")
    assert window.workspaces.current == REGRESSION
    assert not window.docks["samples"].isHidden() and not window.docks["model"].isHidden()
    assert window.docks["scene"].isHidden()
    window.registry.trigger("workspace.surface")
    assert window.docks["samples"].isHidden() and window.docks["model"].isHidden()
    window.registry.trigger("edit.undo")
    assert window.workspaces.current == REGRESSION and not window.docks["samples"].isHidden()


def test_a_study_that_predicts_belongs_there_before_the_engine_has_said_what_it_offers() -> None:
    assert workspace_of(first_study(REGRESSION), None) == REGRESSION
