import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.geometry.formula import formula

X, Y, Z = np.random.default_rng(0).uniform(-1, 1, (3, 50))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^2 + y^2 + z^2 - 0.5", X**2 + Y**2 + Z**2 - 0.5),
        ("-x**2", -(X**2)),
        ("2*x - y/4 + 1e-1", 2 * X - Y / 4 + 0.1),
        ("length(x, y, z) - 0.7", np.sqrt(X**2 + Y**2 + Z**2) - 0.7),
        ("max(abs(x) - 0.5, abs(y) - 0.4, min(z, 0))", np.fmax(np.fmax(abs(X) - 0.5, abs(Y) - 0.4), np.fmin(Z, 0))),
        ("sin(2*pi*x)*cos(y) + atan2(y, x)", np.sin(2 * np.pi * X) * np.cos(Y) + np.arctan2(Y, X)),
        ("1", np.ones(50)),
    ],
)
def test_values(text: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(formula(text)(X, Y, Z), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "x +", "import os", "__import__('os')", "x.real", "x[0]", "lambda: x", "open(x)", "x if y else z",
        "[x]", "w + 1", "sin()", "sin(x, y)", "min(x)", "x < y", "x; y", "x\ny", "True", "x @ y", "1j*x", "f(x)(y)",
        "sin(x=y)", "max(*x)", "x or y", "(" * 900 + "x" + ")" * 900, "x" * 3000, "-" * 1900 + "x", "ẋ", "x := 1",
        "1" * 400,
    ],
)  # fmt: skip
def test_nothing_but_formulas_is_read(text: str) -> None:
    with pytest.raises(ParameterError, match="formula"):
        formula(text)(X, Y, Z)


def test_what_is_not_defined_is_no_number_and_hangs_nothing() -> None:
    assert np.isnan(formula("log(x)")(np.array([-1.0]), np.zeros(1), np.zeros(1))).all()
    assert np.isinf(formula("9^9^9^9 + x")(X, Y, Z)).all()
