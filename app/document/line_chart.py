"""Curves as an SVG for a paper or a report: axes, numbers, names and curves as text and vectors, no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 720.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 74.0, 18.0, 34.0, 60.0
LINE = 17.0
"""Height of a line of text in the legend."""
INK, RULE = "#1f1f1f", "#dcdcdc"
MOST_DECADES = 8.0
"""Of a curve further below the highest than this nothing is to be read beside the others."""
DETAIL = 0.05
"""Points of a curve nearer to each other than this [pixels] are one."""


@dataclass(frozen=True)
class Curve:
    """A line: its name in the legend, its colour and dashes (SVG's `stroke-dasharray`, "" for none), its points.

    Where y is not a positive number the line has a gap.
    """

    title: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    dashes: str = ""

    @property
    def pieces(self) -> list[list[tuple[float, float]]]:
        """Runs of points that can be drawn on a logarithmic axis."""
        pieces: list[list[tuple[float, float]]] = [[]]
        for x, y in zip(self.x, self.y, strict=True):
            if math.isfinite(y) and y > 0.0:
                pieces[-1].append((float(x), math.log10(y)))
            elif pieces[-1]:
                pieces.append([])
        return [piece for piece in pieces if piece]


@dataclass(frozen=True)
class LineChart:
    """Curves over one linear axis (from 0) and one logarithmic one."""

    title: str
    x_title: str
    y_title: str
    curves: tuple[Curve, ...]

    def to_svg(self) -> str:
        """The chart, white, with the legend below."""
        names = [curve.title for curve in self.curves]
        rows = _legend_rows(names)
        height = HEIGHT + LINE * len(rows)
        frame = _Frame(self.curves)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{height:g}" '
            f'viewBox="0 0 {WIDTH:g} {height:g}" font-family="Helvetica, Arial, sans-serif" font-size="12">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{WIDTH:g}" height="{height:g}" fill="#ffffff"/>',
            _text(LEFT, 20, self.title, weight="bold"),
            *frame.axes(self.x_title, self.y_title),
            *(frame.curve(curve) for curve in self.curves),
            *self._legend(rows),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _legend(self, rows: list[list[tuple[int, float]]]) -> list[str]:
        parts = []
        for row, places in enumerate(rows):
            y = HEIGHT + LINE * row
            for index, x in places:
                curve = self.curves[index]
                parts.append(
                    f'<line x1="{x:g}" y1="{y - 4:g}" x2="{x + 24:g}" y2="{y - 4:g}" {_stroke(curve.colour, curve)}/>'
                )
                parts.append(_text(x + 30, y, curve.title))
        return parts


class _Frame:
    """The rectangle of the curves: what of the data it shows, and where."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        points = [point for curve in curves for piece in curve.pieces for point in piece]
        self.right = max((x for x, _ in points), default=1.0) or 1.0
        top = max((y for _, y in points), default=0.0)
        bottom = max(min((y for _, y in points), default=-1.0), top - MOST_DECADES)
        self.low, self.high = math.floor(2.0 * bottom) / 2.0, math.ceil(2.0 * top) / 2.0
        if self.high - self.low < 1.0:
            self.low, self.high = self.high - 1.0, self.high

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.right

    def y(self, exponent: float) -> float:
        share = (exponent - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0)

    def axes(self, x_title: str, y_title: str) -> list[str]:
        parts = []
        left, right, bottom, top = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP
        for factor, exponent in self._ticks():
            y = self.y(exponent + math.log10(factor))
            parts.append(f'<line x1="{left:g}" y1="{y:.2f}" x2="{right:g}" y2="{y:.2f}" stroke="{RULE}"/>')
            parts.append(_text(left - 7, y + 4, _power(factor, exponent), anchor="end"))
        for value in _round_steps(self.right):
            x = self.x(value)
            parts.append(f'<line x1="{x:.2f}" y1="{bottom:g}" x2="{x:.2f}" y2="{bottom + 5:g}" stroke="{INK}"/>')
            parts.append(_text(x, bottom + 19, f"{value:,g}" if value < 1e6 else f"{value:.3g}", anchor="middle"))
        parts.append(f'<path d="M{left:g} {top:g}V{bottom:g}H{right:g}" fill="none" stroke="{INK}"/>')
        parts.append(_text((left + right) / 2, bottom + 38, x_title, anchor="middle"))
        middle = (top + bottom) / 2
        turned = f'transform="rotate(-90 18 {middle:g})"'
        parts.append(_text(18, middle, y_title, anchor="middle", extra=turned))
        return parts

    def curve(self, curve: Curve) -> str:
        shapes = []
        for piece in curve.pieces:
            places = _thinned([(self.x(x), self.y(y)) for x, y in piece])
            if len(places) == 1:
                places = [places[0], (places[0][0] + 0.01, places[0][1])]  # a round end makes a dot of it
            shapes.append("M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places))
        path = "".join(shapes)
        return (
            f'<path d="{path}" fill="none" {_stroke(curve.colour, curve)}><title>{escape(curve.title)}</title></path>'
        )

    def _ticks(self) -> list[tuple[int, int]]:
        """Factor and exponent of each number: the decades, and 2 and 5 between where only few are in sight."""
        factors = (1,) if self.high - self.low > 2.0 else (1, 2, 5)
        decades = range(math.floor(self.low), math.floor(self.high) + 1)
        ticks = [(factor, exponent) for exponent in decades for factor in factors]
        return [tick for tick in ticks if self.low - 1e-9 <= tick[1] + math.log10(tick[0]) <= self.high + 1e-9]


def _thinned(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without points that no eye and no printer tells from the one before; the last one stays."""
    kept = places[:1]
    for place, following in pairwise([*places[1:], (math.inf, math.inf)]):
        if math.isinf(following[0]) or math.dist(kept[-1], place) >= DETAIL:
            kept.append(place)
    return kept


def _round_steps(largest: float) -> list[float]:
    """Round numbers from 0 to `largest`, about six."""
    step = 10.0 ** math.floor(math.log10(largest / 2.0)) if largest > 0 else 1.0
    step = next(step * factor for factor in (1, 2, 5, 10, 20) if largest / (step * factor) <= 8.0)
    return [step * count for count in range(math.floor(largest / step * (1 + 1e-9)) + 1)]


def _legend_rows(names: Sequence[str]) -> list[list[tuple[int, float]]]:
    """Of each line of the legend the names' indices and where they begin."""
    rows: list[list[tuple[int, float]]] = []
    x = WIDTH
    for index, name in enumerate(names):
        width = 44.0 + 6.6 * len(name)
        if x + width > WIDTH - RIGHT:
            rows.append([])
            x = LEFT
        rows[-1].append((index, x))
        x += width
    return rows


def _power(factor: int, exponent: int) -> str:
    raised = f"{exponent}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{'' if factor == 1 else f'{factor}·'}10{raised}"


def _stroke(colour: str, curve: Curve) -> str:
    dashes = f' stroke-dasharray="{curve.dashes}"' if curve.dashes else ""
    return f'stroke="{colour}" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"{dashes}'


def _text(x: float, y: float, text: str, *, anchor: str = "", weight: str = "", extra: str = "") -> str:
    attributes = [f'text-anchor="{anchor}"' if anchor else "", f'font-weight="{weight}"' if weight else "", extra]
    said = "".join(f" {attribute}" for attribute in attributes if attribute)
    return f'<text x="{x:.2f}" y="{y:.2f}" fill="{INK}"{said}>{escape(text)}</text>'
