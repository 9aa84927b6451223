"""Numbers on the screen have the digits that a person asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.document.digits import DEFAULT, set_digits, shown, with_band


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


@pytest.mark.parametrize(
    ("mean", "band", "unit", "text"),
    [
        (3921.4, 112.3, "N/mm", "3,920 ± 110 N/mm"), (307.1834, 2.5, "MPa", "307.2 ± 2.5 MPa"),
        (-307.1834, 25.0, "MPa", "-307 ± 25 MPa"), (0.012345, 0.004, "mm", "0.0123 ± 0.0040 mm"),
        (1.0, 3.0, "", "1.0 ± 3.0"), (12.3456, 0.0, "mm", "12.35 ± 0 mm"), (12.3456, None, "mm", "12.35 mm"),
        (12.3456, float("nan"), "mm", "12.35 mm"), (9.96, 0.0997, "", "9.96 ± 0.10"),
        (1234567.0, 99.6, "", "1,234,570 ± 100"),
        (3.21e-7, 2.0e-9, "m", "3.21e-07 ± 2e-09 m"), (2.1234e9, 3e6, "Pa", "2.1234e+09 ± 3e+06 Pa"),
    ],
)  # fmt: skip
def test_a_number_goes_as_far_as_its_band(mean: float, band: float | None, unit: str, text: str) -> None:
    assert with_band(mean, band, unit) == text
