"""Energies and sensors of a simulation over time: curves, axes with units, and a line that scrubs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import STEP, RisingStrip
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.panels.readings_plot import ReadingsPlot
from app.panels.theme import DARK, LIGHT
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from app.work.readings import Readings, without_unit
from app.work.tasks import Tasks


@pytest.fixture
def strip(tmp_path: Path) -> RisingStrip:
    return RisingStrip(tmp_path / "t").write(21)


@pytest.fixture
def readings(qtbot: Any, strip: RisingStrip) -> Iterator[Readings]:
    document = Document()
    link = EngineLink(document, Tasks(), FakeSession)
    drawing = Drawing(document, link)
    view = FakeViewport()
    qtbot.addWidget(view)
    drawing.set_viewport(view)  # type: ignore[arg-type]  # the fake has the methods
    playing = Playing(document, link, drawing, Notices())
    made = Readings(playing)
    assert playing.open(strip.folder)
    made.frame(at_once=True)
    yield made
    playing.close()


@pytest.fixture
def plot(qtbot: Any, readings: Readings) -> ReadingsPlot:
    made = ReadingsPlot(readings)
    qtbot.addWidget(made)
    made.resize(640, 240)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_energies_are_drawn_over_seconds(readings: Readings, plot: ReadingsPlot) -> None:
    assert [curve.name for curve in readings.curves()] == ["bending", "gravity"]
    x, y = plot._curves["gravity"].getData()
    np.testing.assert_allclose(x, STEP * np.arange(21))
    np.testing.assert_allclose(y, 2e-3 * np.arange(21))
    assert plot._plot.getAxis("bottom").labelText == "time [s]" and plot.ordinate() == "energy [mJ]"
    readings.playing.show_frame(20)
    assert "gravity <b>40</b>" in plot.legend.text(), "in millijoules, as the axis"
    (left, right), (_, high) = plot.ranges()
    assert left <= 0.0 and 0.2 <= right < 0.3 and high >= 0.04


def test_the_axes_keep_their_units_when_the_theme_changes(readings: Readings, plot: ReadingsPlot) -> None:
    """pyqtgraph takes a prefix for the range whenever it is told that it shall take none."""
    time_axis, energy_axis = plot._plot.getAxis("bottom"), plot._plot.getAxis("left")
    plot.apply_theme()
    assert time_axis.autoSIPrefixScale == 1.0 and energy_axis.autoSIPrefixScale == 1.0
    assert time_axis.scale == 1.0 and energy_axis.scale == 1e3


def test_the_legend_takes_the_colours_of_the_theme(
    readings: Readings, plot: ReadingsPlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The soft grey of one theme cannot be read on the other's ground."""
    for theme in (DARK, LIGHT):
        monkeypatch.setattr("app.panels.readings_plot.current_tokens", lambda theme=theme: theme)
        plot.apply_theme()
        assert theme.text_soft in plot.legend.text()


def test_sensors_are_chosen_by_their_unit(readings: Readings, plot: ReadingsPlot) -> None:
    assert [plot.choice.itemText(index) for index in range(plot.choice.count())] == ["Energies", "Sensors [N]"]
    plot.choice.activated.emit(1)
    assert list(plot._curves) == ["table force z [N]"] and plot.ordinate() == "[N]"
    readings.playing.show_frame(4)
    assert "table force z" in plot.legend.text() and "<b>2</b>" in plot.legend.text()
    assert "0.040 s" in plot.legend.text()
    assert without_unit("table force z [N]") == "table force z"


def test_new_frames_are_read_when_their_time_has_come(
    readings: Readings, plot: ReadingsPlot, strip: RisingStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic() + 100.0]
    monkeypatch.setattr("app.work.readings.time.monotonic", lambda: now[0])
    readings._stale = True
    readings.frame()
    strip.write(4)
    readings.playing._refresh()
    readings.frame()
    assert len(readings.times) == 21, "not at every frame of the window"
    now[0] += 1.0
    readings.frame()
    assert len(readings.times) == 25 and len(plot._curves["bending"].getData()[0]) == 25


def test_a_click_looks_at_that_moment(readings: Readings, plot: ReadingsPlot) -> None:
    box = plot._plot.getViewBox()
    place = plot._plot.mapFromScene(box.mapViewToScene(box.viewRect().center()))
    wanted = box.viewRect().center().x()
    QTest.mouseClick(plot._plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.x(), place.y()))
    assert readings.playing.time == pytest.approx(STEP * int(wanted / STEP + 1e-9), abs=1.01 * STEP)
    assert plot._line.value() == readings.playing.time
