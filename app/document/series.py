"""How curves in one plot are told apart, on the screen and in a file. Imported before the first paint."""

from __future__ import annotations

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56a0d3", "#7a5195", "#666666")
"""Colours on white that colour-blind readers too tell apart (Okabe and Ito 2008, adjusted in lightness)."""
DASHES = ("", "7 3", "2 3", "9 3 2 3")
