"""Loss curves as a table and as a chart: all numbers, right places, readable by others."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.document.line_chart import HEIGHT, Curve, LineChart
from app.document.loss_export import LossColumn, loss_columns, losses_chart, losses_csv, write_losses
from app.document.run_record import LossCurves
from app.document.series import SERIES
from engine.core.errors import FileError
from engine.protocol.catalogue import Catalogue, TermEntry
from engine.protocol.study import TermSpec

SVG = "{http://www.w3.org/2000/svg}"
NAN = float("nan")
COLUMNS = [
    LossColumn("loss", "Total"),
    LossColumn("term:fit", "Fit to scan", "mm²"),
    LossColumn("term:late", "Late, <&>"),
]


@pytest.fixture
def main() -> LossCurves:
    return LossCurves(
        [0, 1, 2, 3],
        {"loss": [1.0, 0.1, 0.01, 0.1 + 0.2], "term:fit": [0.5, 0.05, 0.0, 0.005], "term:late": [NAN, NAN, 1e-3, 2e-3]},
    )


@pytest.fixture
def branch() -> LossCurves:
    return LossCurves([0, 1], {"loss": [1.0, 0.02], "term:fit": [0.5, 0.01]})


def test_the_table_holds_every_digit_and_no_nan(main: LossCurves, branch: LossCurves) -> None:
    rows = list(csv.reader(io.StringIO(losses_csv({"main": main, "nose, out": branch}, COLUMNS))))
    assert rows[0] == ["Branch", "Iteration", "Total", "Fit to scan [mm²]", "Late, <&>"]
    assert len(rows) == 1 + 4 + 2
    assert float(rows[4][2]) == 0.1 + 0.2  # bit for bit
    assert rows[1][4] == ""
    assert rows[5] == ["nose, out", "0", "1.0", "0.5", ""]
    assert "nan" not in str(rows)


def test_columns_are_called_as_the_person_calls_them() -> None:
    terms = [TermSpec(kind="fit", name="fit"), TermSpec(kind="handle", name="Handle 1")]
    catalogue = Catalogue(version="", terms=[TermEntry(kind="fit", title="Fit to scan", help="", unit="mm²")])
    columns = loss_columns(terms, {"fit": "Fit to scan"}, catalogue)
    assert [column.heading for column in columns] == ["Total", "Fit to scan [mm²]", "Handle 1"]
    assert [column.name for column in columns] == ["loss", "term:fit", "term:Handle 1"]


def test_the_chart_is_svg_with_its_numbers_as_text(main: LossCurves) -> None:
    root = ElementTree.fromstring(losses_chart({"main": main}, COLUMNS, title="Losses of a & b").to_svg())
    assert root.tag == SVG + "svg"
    texts = [text.text for text in root.iter(SVG + "text")]
    assert texts[0] == "Losses of a & b"
    assert {"Iteration", "Loss", "Total", "Fit to scan [mm²]", "Late, <&>", "10⁻²", "10⁰"} <= set(texts)
    assert not list(root.iter(SVG + "image"))  # vectors, no pixels
    strokes = [path.get("stroke") for path in root.iter(SVG + "path") if path.find(SVG + "title") is not None]
    assert strokes == ["#1f1f1f", SERIES[0], SERIES[1]]


def test_points_stand_where_their_numbers_are() -> None:
    chart = LineChart("t", "x", "y", (Curve("c", "#000000", [0, 50, 100], [1.0, 0.1, 0.01]),))
    (line,) = curve_lines(chart)
    (x0, y0), (x1, y1), (x2, y2) = line
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.02)  # a decade is a decade
    root = ElementTree.fromstring(chart.to_svg())
    ticks = {text.text: float(text.get("y", "0")) for text in root.iter(SVG + "text")}
    assert y1 == pytest.approx(ticks["10⁻¹"] - 4.0, abs=0.02)
    places = {text.text: float(text.get("x", "0")) for text in root.iter(SVG + "text")}
    assert x2 == pytest.approx(places["100"], abs=0.02)


def test_what_has_no_logarithm_is_a_gap() -> None:
    chart = LineChart("t", "x", "y", (Curve("c", "#000000", range(7), [1.0, 0.5, 0.0, NAN, 0.2, -1.0, math.inf]),))
    assert [len(line) for line in curve_lines(chart)] == [2, 2]  # the lone point is a dot
    assert "nan" not in chart.to_svg().lower().replace("sans", "")
    assert "inf" not in chart.to_svg()


def test_a_long_run_stays_small_and_ends_where_it_ends() -> None:
    count = 200_000
    values = [10.0 ** (-5.0 * index / count) for index in range(count)]
    chart = LineChart("t", "x", "y", (Curve("c", "#000000", range(count), values),))
    svg = chart.to_svg()
    assert len(svg) < 500_000
    (line,) = curve_lines(chart)
    assert line[-1][1] == pytest.approx(max(y for _, y in line))
    assert line[-1][0] == pytest.approx(702.0, abs=0.1)


def test_several_branches_have_a_colour_each(main: LossCurves, branch: LossCurves) -> None:
    chart = losses_chart({"main": main, "nose out": branch}, COLUMNS[:1], title="t", colours={"nose out": "#123456"})
    assert [(curve.title, curve.colour) for curve in chart.curves] == [("main", SERIES[0]), ("nose out", "#123456")]
    every = losses_chart({"main": main, "nose out": branch}, COLUMNS, title="t")
    assert [curve.title for curve in every.curves][:2] == ["main: Total", "main: Fit to scan [mm²]"]
    assert len({(curve.colour, curve.dashes) for curve in every.curves}) == len(every.curves) == 5


def test_a_long_legend_stays_in_the_picture() -> None:
    curves = tuple(Curve(f"a rather long name of a term, number {index}", "#000000", [0], [1.0]) for index in range(9))
    root = ElementTree.fromstring(LineChart("t", "x", "y", curves).to_svg())
    height = float(root.get("height", "0"))
    names = [text for text in root.iter(SVG + "text") if "rather" in (text.text or "")]
    assert len(names) == 9
    assert all(HEIGHT <= float(text.get("y", "0")) < height for text in names)


def test_nothing_to_draw_is_an_empty_frame() -> None:
    root = ElementTree.fromstring(LineChart("t", "x", "y", ()).to_svg())
    assert next(text.text for text in root.iter(SVG + "text")) == "t"


def test_files_are_written_by_their_extension(tmp_path: Path, main: LossCurves) -> None:
    write_losses(tmp_path / "losses.csv", {"main": main}, COLUMNS, title="t")
    assert (tmp_path / "losses.csv").read_text(encoding="utf-8").startswith("Branch,Iteration,Total,")
    write_losses(tmp_path / "losses.svg", {"main": main}, COLUMNS, title="t")
    ElementTree.parse(tmp_path / "losses.svg")
    with pytest.raises(FileError, match="holds no losses"):
        write_losses(tmp_path / "losses.xlsx", {"main": main}, COLUMNS, title="t")


def curve_lines(chart: LineChart) -> list[list[tuple[float, float]]]:
    """Points of each stroke of the first curve [pixels]."""
    root = ElementTree.fromstring(chart.to_svg())
    (path,) = [path for path in root.iter(SVG + "path") if path.find(SVG + "title") is not None]
    strokes = path.get("d", "").split("M")[1:]
    pairs = [re.findall(r"([\d.]+) ([\d.]+)", stroke) for stroke in strokes]
    return [[(float(x), float(y)) for x, y in stroke] for stroke in pairs]
