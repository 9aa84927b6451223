import numpy as np
import pytest

from app.viewport.colours import SteadyRange, diverging_table, map_diverging


def test_zero_is_grey_and_the_signs_are_told_apart_by_hue():
    table = diverging_table()
    low, zero, high = map_diverging(np.array([-1.0, 0.0, 1.0]), (-1.0, 1.0), table).astype(int)
    assert np.ptp(zero) <= 3
    assert low[2] > low[0] + 80
    assert high[0] > high[2] + 80


def test_both_signs_are_equally_dark_at_the_same_magnitude():
    luminance = diverging_table(101) @ np.array([0.2126, 0.7152, 0.0722])
    assert np.abs(luminance - luminance[::-1]).max() < 30
    assert (np.diff(luminance[:50]) > 0).all() and (np.diff(luminance[51:]) < 0).all()


def test_not_a_number_is_neutral_and_outliers_saturate():
    table = diverging_table()
    colours = map_diverging(np.array([np.nan, np.inf, -50.0]), (-1.0, 1.0), table)
    assert (colours[0] == table[127]).all() and (colours[1] == table[-1]).all() and (colours[2] == table[0]).all()


def test_the_range_is_robust_symmetric_and_slow():
    steady = SteadyRange()
    values = np.linspace(-1.0, 1.0, 1001)
    values[0] = 1e6
    steady.follow(values)
    assert steady.limits == pytest.approx((-0.98, 0.98), rel=0.01)
    steady.follow(values * 0.1)
    assert 0.7 < steady.limits[1] < 0.95
    for _ in range(100):
        steady.follow(values * 0.1)
    assert steady.limits[1] == pytest.approx(0.098, rel=0.02)


def test_a_locked_range_does_not_follow():
    steady = SteadyRange()
    steady.locked = (-2.0, 2.0)
    steady.follow(np.ones(10))
    assert steady.limits == (-2.0, 2.0)


def test_all_zero_data_leave_a_usable_range():
    steady = SteadyRange()
    steady.follow(np.zeros(5))
    assert steady.limits[1] > 0


def test_what_is_zero_almost_everywhere_shows_how_much_it_is_elsewhere():
    steady = SteadyRange()
    steady.extent = "from zero"
    pressures = np.zeros(1000)
    pressures[:5] = 5000.0
    steady.follow(pressures)
    assert steady.limits == (0.0, 5000.0)
