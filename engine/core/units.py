"""Lengths with units. Inside the program every length is in millimetres; files convert on the way in and out.

A length typed by a person may be an expression (`2*25.4`), carry a unit (`3 mm`, `0.1 in`) or be a percentage of the
bounding-box diagonal (`5 %`).
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

from engine.core.errors import ParameterError

MILLIMETRES_PER: dict[str, float] = {
    "um": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "in": 25.4,
    "ft": 304.8,
}

ALIASES: dict[str, str] = {
    "micron": "um", "micrometer": "um", "micrometre": "um", "µm": "um", "μm": "um",
    "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "centimetre": "cm",
    "meter": "m", "metre": "m", "inch": "in", "inches": "in", '"': "in", "foot": "ft", "feet": "ft",
}  # fmt: skip

_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def unit_name(text: str) -> str:
    """Canonical name of a length unit ("Millimetre" -> "mm"); raises `ParameterError` for an unknown one."""
    name = text.strip().lower()
    name = ALIASES.get(name, name)
    if name not in MILLIMETRES_PER:
        raise ParameterError(
            "unit", f"{text!r} is not a length unit.", remedy=f"Use one of {', '.join(MILLIMETRES_PER)}."
        )
    return name


def parse_number(text: str, *, name: str = "number") -> float:
    """Value of an arithmetic expression of numbers, `+ - * / **` and parentheses."""
    try:
        value = _evaluate(ast.parse(text.strip().replace(",", "."), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ZeroDivisionError, OverflowError, RecursionError) as error:
        raise ParameterError(name, f"{text!r} is not a number.", remedy="Write for example 3.5 or 2*25.4.") from error
    if not abs(value) < float("inf"):
        raise ParameterError(name, f"{text!r} is not finite.", remedy="Write a finite number.")
    return value


def parse_length(text: str, *, diagonal: float | None = None, name: str = "length") -> float:
    """Length in millimetres of what a person typed; `diagonal` [mm] is what a percentage refers to."""
    body = text.strip()
    if body.endswith("%"):
        if diagonal is None:
            raise ParameterError(name, "a percentage needs an open object.", remedy="Give a length, for example 3 mm.")
        return parse_number(body[:-1], name=name) / 100.0 * diagonal
    for unit in sorted([*MILLIMETRES_PER, *ALIASES], key=len, reverse=True):
        if body.lower().endswith(unit):
            return parse_number(body[: -len(unit)], name=name) * MILLIMETRES_PER[unit_name(unit)]
    return parse_number(body, name=name)


def _evaluate(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _evaluate(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > 64 or abs(left) > 1e6):
            raise ValueError("exponent too large")
        return float(_OPERATORS[type(node.op)](left, right))
    raise ValueError("not arithmetic")
