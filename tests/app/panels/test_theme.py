"""The theme's colours can be read: WCAG 2.2, success criterion 1.4.3, by the formula of its relative luminance."""

from __future__ import annotations

import pytest

from app.panels.theme import DARK, LIGHT, Tokens

READABLE = 4.5
SEEN = 3.0
"""For what is no text (success criterion 1.4.11): the frame of what has the focus."""
BACKGROUNDS = ("window", "panel", "field")
TEXT_ON = {
    "text": (*BACKGROUNDS, "hover", "warning_back", "error_back"),
    "text_soft": (*BACKGROUNDS, "hover"),
    "accent_text": ("accent", "accent_hover"),
    "link": BACKGROUNDS,
    "warning": (*BACKGROUNDS, "warning_back"),
    "error": (*BACKGROUNDS, "error_back"),
    "good": BACKGROUNDS,
}
"""Every pair of colours that a text and what lies behind it have somewhere. What is disabled is exempt."""


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour "#rrggbb", 0 to 1."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_gives_the_known_ends() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_everything_it_stands_on(tokens: Tokens) -> None:
    found = {
        f"{text} on {back}": round(contrast(getattr(tokens, text), getattr(tokens, back)), 2)
        for text, backs in TEXT_ON.items()
        for back in backs
    }
    assert {pair: value for pair, value in found.items() if value < READABLE} == {}


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_the_focus_can_be_seen(tokens: Tokens) -> None:
    assert min(contrast(tokens.accent, getattr(tokens, back)) for back in BACKGROUNDS) >= SEEN
