"""The bar of work: how far it is, and a piece that moves while nobody knows, only where it is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QColor, QImage

from app.panels.theme import current_tokens
from app.panels.work_bar import WorkBar


def test_a_piece_moves_while_nobody_knows_and_the_bar_is_seen(qtbot: Any) -> None:
    bar = WorkBar("How far it is")
    qtbot.addWidget(bar)
    bar.setFixedSize(160, 5)
    bar.show_fraction(None)
    assert not bar.moving, "nobody sees it"
    bar.show()
    assert bar.moving
    places = {start(bar)}
    for _ in range(8):
        bar._move()
        places.add(start(bar))
    assert len(places) == 9 and max(places) < 160
    bar.show_fraction(0.5)
    assert not bar.moving and bar.value() == 500
    bar.show_fraction(None)
    bar.hide()
    assert not bar.moving


def start(bar: WorkBar) -> int:
    """Column of the first pixel in the colour of the piece."""
    image = bar.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    middle = rows[image.height() // 2, : 3 * image.width()].reshape(-1, 3).astype(int)
    wanted = QColor(current_tokens().accent).getRgb()[:3]
    return int(np.argmax((np.abs(middle - wanted) < 8).all(axis=1)))
