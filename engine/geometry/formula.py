"""A closed formula of x, y and z as a field, read by a grammar of its own: no text can do anything but compute."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.core.errors import ParameterError

LONGEST = 2000
"""Characters."""

CONSTANTS: dict[str, float] = {"pi": float(np.pi), "e": float(np.e)}

FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], int, int]] = {
    "abs": (np.abs, 1, 1), "sqrt": (np.sqrt, 1, 1), "exp": (np.exp, 1, 1), "log": (np.log, 1, 1),
    "sin": (np.sin, 1, 1), "cos": (np.cos, 1, 1), "tan": (np.tan, 1, 1),
    "asin": (np.arcsin, 1, 1), "acos": (np.arccos, 1, 1), "atan": (np.arctan, 1, 1), "atan2": (np.arctan2, 2, 2),
    "sinh": (np.sinh, 1, 1), "cosh": (np.cosh, 1, 1), "tanh": (np.tanh, 1, 1),
    "floor": (np.floor, 1, 1), "ceil": (np.ceil, 1, 1), "sign": (np.sign, 1, 1), "mod": (np.mod, 2, 2),
    "length": (lambda *each: np.sqrt(sum(np.square(one) for one in each)), 1, 3),
    "min": (lambda *each: _folded(np.minimum, each), 2, 20), "max": (lambda *each: _folded(np.maximum, each), 2, 20),
}  # fmt: skip
"""Name -> function, and the fewest and most arguments that it takes."""

_OPERATORS: dict[type[ast.AST], Callable[..., np.ndarray]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
    ast.USub: np.negative, ast.UAdd: np.positive,
}  # fmt: skip

Values = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def formula(text: str) -> Values:
    """The function of x, y and z that `text` says, as in "x^2 + y^2 + z^2 - 0.5" or "length(x, y, z) - 0.7".

    It takes arrays of one shape and gives one of that shape, float64; where it is not defined, NaN. `^` and `**` are
    powers; there are `CONSTANTS` and `FUNCTIONS`.

    Raises `ParameterError` for what is no formula, or names something else; it points at the place.
    """
    if len(text) > LONGEST:
        raise ParameterError("formula", f"it has {len(text)} characters; {LONGEST} is the most.")
    source = text.strip().replace("^", "**")
    if not source:
        raise ParameterError("formula", "it is empty.", remedy="Write for example x^2 + y^2 + z^2 - 0.5.")
    if "\n" in source or not re.fullmatch(r"[\w\s.,+\-*/()]*", source, re.ASCII):
        odd = re.search(r"[^\w .,+\-*/()]", source, re.ASCII)
        raise ParameterError("formula", f"{odd[0] if odd else ''!r} has no place in one.", remedy=_KNOWN)
    try:
        tree = ast.parse(source, mode="eval").body
        return _compiled(tree)
    except SyntaxError as error:
        raise ParameterError("formula", f"it cannot be read near character {error.offset or 1}.") from error
    except OverflowError as error:
        raise ParameterError("formula", "a number in it is too large.") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise ParameterError("formula", "it is nested too deeply.") from error


_KNOWN = f"Use x, y, z, numbers, + - * / ^, {', '.join(CONSTANTS)} and {', '.join(FUNCTIONS)}."


def _compiled(tree: ast.AST) -> Values:
    _check(tree)

    def values(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        names = {**CONSTANTS, "x": np.asarray(x, float), "y": np.asarray(y, float), "z": np.asarray(z, float)}
        with np.errstate(all="ignore"):
            found = np.broadcast_to(_value(tree, names), np.shape(x))
        return np.array(found, np.float64)

    return values


def _check(node: ast.AST) -> None:
    """Raise `ParameterError` where a node is none of those that a formula may have."""
    match node:
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            raise ParameterError("formula", f"{node.value!r} is no number.", remedy=_KNOWN)
        case ast.Constant(value=value):
            float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            if name not in CONSTANTS and name not in ("x", "y", "z"):
                raise ParameterError("formula", f"there is no {name!r}.", remedy=_KNOWN)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            _check(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left)
            _check(right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if name not in FUNCTIONS:
                raise ParameterError("formula", f"there is no function {name!r}.", remedy=_KNOWN)
            _, fewest, most = FUNCTIONS[name]
            if not fewest <= len(arguments) <= most:
                wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
                raise ParameterError("formula", f"{name} takes {wanted} numbers, not {len(arguments)}.")
            for argument in arguments:
                _check(argument)
        case _:
            column = getattr(node, "col_offset", 0) + 1
            raise ParameterError("formula", f"it cannot be read near character {column}.", remedy=_KNOWN)


def _value(node: ast.AST, names: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATORS[type(op)](_value(operand, names))
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name][0](*(_value(argument, names) for argument in arguments))
    raise AssertionError(node)


def _folded(join: Callable[..., np.ndarray], each: tuple[Any, ...]) -> np.ndarray:
    first, *others = each
    for one in others:
        first = join(first, one)
    return np.asarray(first)
