"""Numbers of a placement as they are typed, for one object and for several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.document.placement import Placement
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points


@pytest.fixture
def scene(window: Any, target: Mesh) -> Any:
    """A ball of 10 mm, and another one 30 mm beside it."""
    window.document.add_object(Mesh(target.vertices, target.triangles, name="ball"))
    window.document.add_object(Mesh(np.add(target.vertices, (30.0, 0.0, 0.0)), target.triangles, name="far"))
    window.docks["properties"].raise_()
    window.workbench.scene.choose(["ball"])
    return window


def typed(window: Any, qtbot: Any, field: str, axis: int, text: str) -> None:
    number = window.properties.fields[field].numbers[axis]
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, text)
    qtbot.keyClick(number, Qt.Key.Key_Return)


def placement(window: Any, name: str = "ball") -> Placement:
    found = window.document.object(name).placement
    assert isinstance(found, Placement)
    return found


def test_lengths_take_units_expressions_and_percentages_each_a_step_of_undo(scene: Any, qtbot: Any) -> None:
    diagonal = float(np.linalg.norm(np.diff(scene.document.object("ball").bounds, axis=0)))
    typed(scene, qtbot, "translation", 0, "1 in")
    typed(scene, qtbot, "translation", 0, "2*3")
    typed(scene, qtbot, "translation", 2, "-10 %")
    assert placement(scene).translation == pytest.approx((6.0, 0.0, -0.1 * diagonal))
    typed(scene, qtbot, "rotation", 1, "45")
    assert placement(scene).rotation == (0.0, 45.0, 0.0)
    assert scene.document.undo_stack.undo_names[:2] == ["rotation of ball", "position of ball"]
    for _ in range(3):
        scene.document.undo()
    assert placement(scene).translation == pytest.approx((25.4, 0.0, 0.0))
    assert scene.properties.fields["translation"].numbers[0].text() == "25.4"


def test_proportions_are_kept_or_not(scene: Any, qtbot: Any) -> None:
    typed(scene, qtbot, "scale", 0, "2")
    assert placement(scene).scale == (2.0, 2.0, 2.0)
    typed(scene, qtbot, "size", 2, "5 cm")
    assert placement(scene).scale == pytest.approx((2.5, 2.5, 2.5))
    scene.properties.lock.click()
    typed(scene, qtbot, "scale", 1, "-1")
    assert placement(scene).scale == pytest.approx((2.5, -1.0, 2.5))


def test_what_makes_no_sense_is_refused_and_changes_nothing(scene: Any, qtbot: Any) -> None:
    scene.properties.lock.click()
    typed(scene, qtbot, "scale", 0, "0")
    assert placement(scene) == Placement() and "zero" in scene.error_bar.text()
    assert scene.properties.fields["scale"].numbers[0].text() == "1"
    typed(scene, qtbot, "size", 0, "-3")
    assert placement(scene) == Placement() and scene.properties.fields["size"].numbers[0].property("wrong")


def test_several_show_what_they_share_and_take_what_is_typed(scene: Any, qtbot: Any) -> None:
    typed(scene, qtbot, "translation", 1, "7")
    scene.workbench.scene.choose(["ball", "far"])
    texts = [number.text() for number in scene.properties.fields["translation"].numbers]
    assert texts == ["0", "", "0"]  # y differs
    typed(scene, qtbot, "rotation", 2, "90")
    assert placement(scene).rotation == placement(scene, "far").rotation == (0.0, 0.0, 90.0)
    assert placement(scene).translation[1] == 7.0 and placement(scene, "far").translation[1] == 0.0
    assert scene.document.undo_stack.undo_name == "rotation of 2 objects"


def test_an_arrow_key_held_is_one_step(scene: Any, qtbot: Any) -> None:
    steps = len(scene.document.undo_stack.undo_names)
    number = scene.properties.fields["rotation"].numbers[0]
    number.setFocus()
    for _ in range(4):
        qtbot.keyClick(number, Qt.Key.Key_Up)
    assert placement(scene).rotation == (20.0, 0.0, 0.0)
    assert len(scene.document.undo_stack.undo_names) == steps + 1


def test_the_unit_of_the_file_scales_what_is_open_and_comes_back(scene: Any, qtbot: Any) -> None:
    unit = scene.properties.unit
    unit.setFocus()
    unit.setCurrentIndex(unit.findData("in"))
    unit.activated.emit(unit.currentIndex())
    item = scene.document.object("ball")
    assert item.unit == "in" and item.geometry.bounds[1][2] == pytest.approx(254.0)
    scene.document.undo()
    item = scene.document.object("ball")
    assert item.unit == "mm" and item.geometry.bounds[1][2] == pytest.approx(10.0)
    assert unit.currentData() == "mm"


def test_a_scan_from_a_map_says_how_far_it_was_moved(scene: Any) -> None:
    positions = np.random.default_rng(0).normal(size=(50, 3))
    scene.document.add_object(Points(positions, name="survey", unit="m", shift=(412_000_000.0, 5.3e9, 0.0)))
    scene.workbench.scene.choose(["survey"])
    facts = scene.properties._facts.text()
    assert "50 points" in facts and "(412,000, 5,300,000, 0) m" in facts


def test_with_nothing_chosen_it_says_what_to_do(scene: Any) -> None:
    scene.workbench.scene.choose([])
    assert scene.properties._hint.isVisible() and not scene.properties._body.isVisible()
