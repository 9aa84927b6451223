"""Fields, forms, plots and bars, each alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from app.document.run_record import LossCurves
from app.panels.editors import ParameterEditor
from app.panels.error_bar import ErrorBar, Message
from app.panels.export_dialog import sheet_rows
from app.panels.icons import SHAPES, icon, svg
from app.panels.number_field import NumberField, ValueSlider
from app.panels.run_bar import format_bytes, format_duration
from app.panels.schema import ParameterField, fields_of
from app.panels.sparkline import Sparkline
from app.panels.terms_panel import TermCard
from app.panels.theme import DARK, LIGHT, Tokens
from engine.protocol.catalogue import Catalogue
from engine.protocol.snapshot import CheckpointInfo
from engine.protocol.study import OptimizerSpec, TermSpec

LENGTH = ParameterField("thickness", "Thickness", "", "number", 2.0, unit="mm", above=0.0, maximum=500.0)
COUNT = ParameterField("count", "Count", "", "integer", 32, minimum=8.0, maximum=256.0, step=8.0)
WEIGHT = ParameterField("w", "Weight", "", "number", 1.0, minimum=0.0, soft_min=0.0, soft_max=100.0, logarithmic=True)


def typed(qtbot: Any, field: NumberField, text: str) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("text", "value"), [("2*25.4", 50.8), ("3 mm", 3.0), ("0.1 in", 2.54), ("5 %", 5.0), ("1,5", 1.5)]
)
def test_a_length_takes_expressions_units_and_percentages(qtbot: Any, text: str, value: float) -> None:
    field = NumberField(LENGTH)
    qtbot.addWidget(field)
    field.set_diagonal(100.0)
    typed(qtbot, field, text)
    assert field.value() == pytest.approx(value)
    assert field.text().endswith("mm")


@pytest.mark.parametrize("text", ["-1", "501", "two", "1/0", "1e400"])
def test_what_makes_no_sense_is_marked_and_changes_nothing(qtbot: Any, text: str) -> None:
    field = NumberField(LENGTH)
    qtbot.addWidget(field)
    changes: list[Any] = []
    field.value_changed.connect(changes.append)
    typed(qtbot, field, text)
    assert changes == [] and field.value() == 2.0 and field.property("wrong") and field.text() == text
    assert field.accessibleDescription()


def test_a_whole_number_refuses_a_half_and_steps_inside_its_limits(qtbot: Any) -> None:
    field = NumberField(COUNT)
    qtbot.addWidget(field)
    typed(qtbot, field, "32.5")
    assert field.property("wrong")
    typed(qtbot, field, "250")
    field.step(1)
    assert field.value() == 256
    field.step(1)
    assert field.value() == 256


def test_a_logarithmic_slider_goes_through_zero_at_its_left_end_and_back(qtbot: Any) -> None:
    slider = ValueSlider(WEIGHT)
    qtbot.addWidget(slider)
    dragged: list[float] = []
    slider.value_dragged.connect(dragged.append)
    slider.setValue(200)
    assert dragged[-1] == pytest.approx(1.0, rel=0.01)  # halfway between 0.01 and 100 on the logarithm
    slider.setValue(0)
    assert dragged[-1] == 0.0
    slider.set_value(10.0)
    assert slider.value() == 300 and dragged[-1] == 0.0  # shown, not signalled


def test_the_schema_gives_each_parameter_its_editor(qtbot: Any, catalogue: Catalogue) -> None:
    fields = {field.name: field for field in fields_of(catalogue.studies[0].schema_)}
    assert fields["resolution"].kind == "integer" and fields["resolution"].live
    assert fields["thickness"].above == 0.0 and fields["thickness"].high == 10.0
    assert fields["seed"].advanced
    kind = next(field for field in fields_of(catalogue.optimizer_schema) if field.name == "kind")
    assert kind.choices == ("adam", "l-bfgs", "cma-es", "hybrid")
    anchor = next(field for field in fields_of(catalogue.term("handle").schema_) if field.name == "anchor")
    editor = ParameterEditor(anchor)
    qtbot.addWidget(editor)
    editor.set_value([1.0, 2.0, 3.0])
    assert anchor.kind == "vector" and editor.value() == [1.0, 2.0, 3.0]


def test_a_flag_signals_its_change_and_resets(qtbot: Any) -> None:
    editor = ParameterEditor(ParameterField("closed", "Closed", "", "flag", True))
    qtbot.addWidget(editor)
    changes: list[Any] = []
    editor.value_changed.connect(changes.append)
    assert editor.flag is not None
    editor.flag.setChecked(False)
    editor.reset()
    assert changes == [False, True] and editor.value() is True


def test_messages_wait_for_each_other_and_offers_are_done_once(qtbot: Any) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    done: list[str] = []
    first = Message("a <b> went wrong.", "Do c.", offers=(("Repair", lambda: done.append("repaired")),))
    bar.show_message(first)
    bar.show_message(first)
    bar.show_message(Message("second"))
    assert bar.text() == "a <b> went wrong. Do c." and bar.offer_titles() == ["Repair"]
    bar.take_offer(0)
    assert done == ["repaired"] and bar.text() == "second"
    bar.close_message()
    assert bar.message is None and not bar.isVisible()


def test_a_message_stays_while_one_looks_at_its_place(qtbot: Any) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    done: list[str] = []
    say = Message("cloth and ball meet.", "Move them apart.", show=("Show", lambda: done.append("looked")))
    bar.show_message(say)
    (show,) = (button for button in bar.findChildren(QPushButton) if button.text() == "Show")
    QTest.mouseClick(show, Qt.MouseButton.LeftButton)
    QTest.mouseClick(show, Qt.MouseButton.LeftButton)
    assert done == ["looked", "looked"] and bar.message == say
    bar.close_message()
    bar.show_message(Message("second"))
    assert not [button for button in bar.findChildren(QPushButton) if button.text() == "Show" and button.isVisible()]


def test_the_loss_of_a_term_is_never_cut_off_beside_a_long_title(qtbot: Any) -> None:
    card = TermCard(TermSpec(kind="end-shape", name="end"), "Shape at the end of the whole motion", None)
    qtbot.addWidget(card)
    card.resize(240, 80)
    card.show()
    for loss in (45.8, 6.68e-3, 3.22e22):
        card.show_values([1.0, loss])
        value = next(label for label in card.findChildren(QLabel) if label.text() == f"{loss:.2e}")
        assert value.width() >= value.sizeHint().width()


def test_the_plot_keeps_its_axes_once_a_person_took_them(qtbot: Any) -> None:
    from app.panels.loss_plot import LossPlot

    plot = LossPlot()
    qtbot.addWidget(plot)
    curves = LossCurves(list(range(50)), {"term:fit": [0.5] * 50, "loss": [2.0] * 50})
    plot.show_losses(curves, {"fit": "Fit to scan"}, 300)
    (left, right), (low, high) = plot.ranges()
    assert left <= 0 and right >= 300 and low <= math.log10(0.5) and high >= math.log10(2.0)
    curves = LossCurves(list(range(60)), {"term:fit": [1e-4] * 60, "loss": [1e-4] * 60})
    plot.show_losses(curves, {"fit": "Fit to scan"}, 300)
    assert plot.ranges()[1][0] < -4 and plot.ranges()[1][1] == high  # grows, never shrinks
    plot.take_over()
    before = plot.ranges()
    plot.show_losses(curves, {"fit": "Fit to scan"}, 9000)
    assert plot.ranges() == before
    plot.fit()
    assert plot.ranges()[0][1] >= 9000


def test_a_term_that_waits_is_a_calm_dash_and_a_gap_in_its_curves(qtbot: Any, window: Any) -> None:
    card = window.study.terms.card("Smoothness")
    window.add_plot()
    nothing = math.nan
    values = [0.5, 0.4, nothing, nothing, 0.3, 0.2]
    curves = LossCurves(list(range(6)), {"term:Smoothness": values, "loss": [1.0] * 6})
    card.show_values(values)
    assert card._value.text() == "2.00e-01"
    assert [len(piece) for piece in card.sparkline.pieces()] == [2, 2]
    assert card.sparkline.grab().toImage() != Sparkline("empty").grab().toImage()
    window.loss_plot.show_losses(curves, {"Smoothness": "Smoothness"}, 300)
    # The place of the gap on the screen is asked with a real pointer.
    view = window.loss_plot._plot
    window.resize(1200, 800)
    inside = view.mapFromScene(view.getViewBox().mapViewToScene(QPointF(2.0, -0.4)))
    qtbot.mouseMove(view.viewport(), inside)
    assert "Smoothness <b>–</b>" in window.loss_plot.legend.text()

    values = [nothing] * 6
    card.show_values(values)
    assert card._value.text() == "–" and "rests" in card._value.toolTip()
    assert card.sparkline.pieces() == []
    curves = LossCurves(list(range(6)), {"term:Smoothness": values, "loss": [1.0] * 6})
    window.loss_plot.show_losses(curves, {"Smoothness": "Smoothness"}, 300)
    assert "nan" not in window.loss_plot.legend.text()
    info = CheckpointInfo(1, None, "main", 0, {"loss": 1.0, "term:Smoothness": nothing}, None, "", 0)
    assert "nan" not in window.history.strip._words(info)


def test_the_sheet_says_what_is_good_and_what_is_not() -> None:
    sheet = {"watertight": True, "edge_manifold": True, "vertex_manifold": False, "euler_characteristic": -4}
    rows = {title: (text, verdict) for title, text, verdict in sheet_rows(sheet | {"intersecting_triangles": 3})}
    assert rows["Watertight"] == ("yes", True)
    assert rows["Manifold"] == ("no", False)
    assert rows["Euler number χ"] == ("−4", None)
    assert rows["Intersecting triangles"] == ("3", False)


@pytest.mark.parametrize(("seconds", "text"), [(21, "0:21"), (725, "12:05"), (3723, "1:02:03")])
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_sizes() -> None:
    assert [format_bytes(count) for count in (512, 2048, 310 << 20, 3 << 29)] == ["512 B", "2 KB", "310 MB", "1.5 GB"]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_every_background(tokens: Tokens) -> None:
    for background in (tokens.window, tokens.panel, tokens.field, tokens.hover):
        assert contrast(tokens.text, background) >= 7.0
        assert contrast(tokens.text_soft, background) >= 4.5
    assert contrast(tokens.accent_text, tokens.accent) >= 4.5
    assert contrast(tokens.error, tokens.error_back) >= 4.5
    assert contrast(tokens.warning, tokens.warning_back) >= 4.5


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "blank"])
def test_every_icon_draws_something_in_the_colour_asked_for(qtbot: Any, name: str) -> None:
    image = icon(name, colour="#ff0000").pixmap(24, 24).toImage()
    solid = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200]
    assert solid and all(colour.red() > 180 and colour.green() < 60 for colour in solid)
    assert b'fill="C"' not in svg(name, "#ff0000")


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1."""

    def luminance(name: str) -> float:
        colour = QColor(name)
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_loss_axis_forgets_the_first_values_and_then_only_grows(qtbot: Any) -> None:
    from app.panels.loss_plot import LossPlot

    plot = LossPlot()
    qtbot.addWidget(plot)

    def show(values: list[float]) -> tuple[float, float]:
        plot.show_losses(LossCurves(list(range(len(values))), {"term:fit": values}), {"fit": "Fit to scan"}, 300)
        return plot.ranges()[1]

    assert show([1e-5])[0] < -5.0
    settled = show([1e-5] + [0.02 + 0.01 * (k % 3) for k in range(39)])  # a Term that began at nothing
    assert settled[0] > -2.2 and settled[1] < -0.9
    assert show([0.02] * 100) == settled
    assert show([0.02] * 100 + [0.1001] * 100) == settled  # just outside: no jump
    assert show([0.02] * 100 + [0.5] * 100)[1] > settled[1]


def test_a_loss_below_zero_is_told_although_no_logarithm_draws_it(qtbot: Any) -> None:
    from app.panels.loss_plot import LossPlot

    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(900, 200)
    plot.show()
    assert not plot.save.isEnabled(), "there is nothing to save"
    plot.show_losses(LossCurves([0, 1], {"loss": [0.5, -0.25], "term:fit": [-1.0, 0.5]}), {"fit": "Fit"}, 300)
    assert "Total <b>-2.50e-01</b>" in plot.legend.text() and "Fit <b>5.00e-01</b>" in plot.legend.text()
    assert plot.save.isEnabled()
    plot.show_losses(LossCurves([0, 1], {"loss": [1e-9, 1e-9]}), {"fit": "Fit"}, 300)
    plot.show_losses(LossCurves(), {"fit": "Fit"}, 300)
    assert plot.ranges()[1][0] > -6.0, "another run begins: its axis is not that of the last"


def test_a_term_that_is_added_shows_what_it_is_about(window: Any) -> None:
    document, terms = window.document, window.study.terms
    kinds = [
        entry.model_copy(update={"schema_": OptimizerSpec.model_json_schema()} if entry.kind == "smooth" else {})
        for entry in document.catalogue.terms
    ]
    document.set_catalogue(document.catalogue.model_copy(update={"terms": kinds}))
    before = set(terms._cards)
    next(action for action in terms.add_button.menu().actions() if action.text() == "Smoothness").trigger()
    (name,) = set(terms._cards) - before
    assert terms.card(name)._form.isVisibleTo(terms.card(name))
    window.document.undo()
    window.document.redo()
    assert not terms.card(name)._form.isVisibleTo(terms.card(name)), "only who adds it has to choose"


def test_the_switch_of_a_term_is_an_edit_and_follows_the_study(window: Any) -> None:
    card = window.study.terms.card("Smoothness")
    assert card.switch.isChecked() and card.switch.text() == "Smoothness"
    card.switch.click()
    assert not window.document.study.term("Smoothness").enabled
    assert not card.slider.isEnabled() and window.document.undo_stack.undo_name == "switching off of Smoothness"
    window.document.undo()
    assert card.switch.isChecked() and card.slider.isEnabled()


def test_what_can_be_done_about_a_failure_does_not_wait_behind_what_only_tells(qtbot: Any) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    told = Message("x.stl: there is no such file.")
    failed = Message("The engine stopped.", offers=(("Continue", lambda: None),))
    other = Message("The scan is open.", offers=(("Fill holes", lambda: None),))
    for message in (told, failed, other):
        bar.show_message(message)
    assert bar.message == failed and bar.offer_titles() == ["Continue"]
    bar.close_message()
    assert bar.message == told
    bar.close_message()
    assert bar.message == other


def test_a_slow_run_says_how_long_one_iteration_takes(running: Any) -> None:
    run, bar = running.document.run, running.run_bar
    run.state, run.iteration, run.iterations = "running", 2, 50
    for speed, said in ((3.42, "3.4 it/s"), (0.04, "25 s/it")):
        run.scalars = {"iterations_per_second": speed}
        bar.show_run(run)
        assert said in bar._numbers.text()
    bar.show_run(run, simulates=True)
    assert "25 s a step" in bar._numbers.text()
