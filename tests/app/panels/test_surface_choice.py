"""The choice of a surface: what it says, and what it hides."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from app.cli.options import said
from app.panels.parameter_form import ParameterForm
from app.panels.schema import fields_of
from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter


class Declared(ParameterModel):
    surface: Literal["flexicubes", "deepmesh"] = parameter(
        "flexicubes", title="Surface", help="Of which kind.",
        choice_help={"flexicubes": "Sharp edges.", "deepmesh": "Smooth shapes."},
    )  # fmt: skip
    resolution: int = parameter(48, title="Resolution", help="Cells.")
    width: int = parameter(64, title="Width", help="Of a layer.", shown_for={"surface": ["deepmesh"]})


def test_a_choice_says_what_it_is_good_for_and_hides_what_means_nothing_with_it(qtbot: Any) -> None:
    form = ParameterForm(fields_of(Declared.model_json_schema()))
    qtbot.addWidget(form)
    form.value_changed.connect(lambda name, value: form.set_values({name: value}))
    form.set_values({})
    form.show()
    width, choice = form.editors["width"], form.editors["surface"].choice
    assert not width.isVisible() and form.editors["resolution"].isVisible()
    assert shown_texts(form) >= {"Sharp edges."}
    assert choice is not None
    choice.setFocus()
    qtbot.keyClicks(choice, "Deep")
    assert choice.currentText() == "DeepMesh" and width.isVisible()
    assert "Smooth shapes." in shown_texts(form) and "Sharp edges." not in shown_texts(form)
    form.show_only(["resolution", "surface"])
    assert not width.isVisible()
    form.show_only(None)
    assert width.isVisible()


def test_an_option_that_means_nothing_for_the_surface_is_refused_by_name() -> None:
    assert said(Declared, {"surface": "deepmesh", "width": 32}) == {"surface": "deepmesh", "width": 32}
    with pytest.raises(ParameterError, match=r"--width.*means nothing for --surface flexicubes"):
        said(Declared, {"width": 32})


def shown_texts(form: ParameterForm) -> set[str]:
    from PySide6.QtWidgets import QLabel

    return {label.text() for label in form.findChildren(QLabel) if label.isVisible()}
