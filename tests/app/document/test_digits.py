"""Numbers on the screen have the digits that a person asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.document.digits import DEFAULT, set_digits, shown


@pytest.fixture(autouse=True)
def as_at_first() -> Iterator[None]:
    yield
    set_digits(DEFAULT)


@pytest.mark.parametrize(
    ("digits", "value", "text"),
    [
        (4, 12.34567, "12.35"), (4, 0.00123456, "0.001235"), (4, 1234.567, "1,235"), (4, 123456.7, "123,457"),
        (6, 1234.567, "1,234.57"), (2, 12.34567, "12"), (2, 0.0, "0"), (4, -2500.04, "-2,500"),
        (9, 1 / 3, "0.333333333"), (2, 123.4, "123"),
    ],
)  # fmt: skip
def test_significant_digits(digits: int, value: float, text: str) -> None:
    set_digits(digits)
    assert shown(value) == text
