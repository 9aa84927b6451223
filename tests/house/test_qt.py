"""The Qt that is installed is one that works: some versions abort after some hundreds of signals from Python."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from PySide6.QtCore import QObject, Signal

class Sender(QObject):
    fired = Signal(bool, int)

received = 0

def count(flag, number):
    global received
    received += 1

sender = Sender()
sender.fired.connect(count)
for number in range(5000):
    sender.fired.emit(True, number)
print(received)
"""


def test_five_thousand_signals_do_not_abort() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "5000")
