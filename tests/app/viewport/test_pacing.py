import pytest

from app.viewport.pacing import DRAWING_SECONDS, Pacing


def test_cheap_drawings_come_at_most_sixty_times_a_second():
    pacing = Pacing(software=True)
    pacing.drawn(0.001, 10.0)
    assert 0.014 < pacing.wait(10.0) <= 1 / 60
    assert pacing.wait(11.0) == 0.0


def test_dear_drawings_leave_the_window_a_third_of_the_time():
    pacing = Pacing(software=False)
    for _ in range(40):
        pacing.prepared(0.02)
        pacing.drawn(0.1, 5.0)
    assert pacing.wait(5.0) == pytest.approx(0.06, rel=0.02)
    assert pacing.scale == 1.0  # a graphics card draws every pixel


def test_software_drawings_get_coarser_and_finer_again_without_wavering():
    pacing = Pacing(software=True)
    for k in range(60):
        pacing.drawn(0.08 * pacing.scale**2, float(k))
    coarse = pacing.scale
    assert coarse == 0.5 or 0.08 * coarse**2 <= DRAWING_SECONDS
    for k in range(30):
        pacing.drawn(0.08 * coarse**2, float(k))
        assert pacing.scale == coarse
    for k in range(60):
        pacing.drawn(0.002, float(k))
    assert pacing.scale == 1.0
