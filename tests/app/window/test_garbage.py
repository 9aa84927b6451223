"""Garbage is collected in the window's thread, whichever thread allocates."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject, QTimer

from app.window.garbage import GarbageCollection


@pytest.fixture
def collection(qtbot: Any) -> Iterator[GarbageCollection]:
    collection = GarbageCollection()
    yield collection
    collection.stop()


def test_a_cycle_with_a_timer_dies_in_the_windows_thread(qtbot: Any, collection: GarbageCollection) -> None:
    collected_in: set[str] = set()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected_in.add(threading.current_thread().name)

    died = threading.Event()

    class Cycle:
        def __init__(self) -> None:
            self.me = self
            self.timer = QTimer()
            self.timer.start(1000)

        def __del__(self) -> None:
            died.set()

    def allocate() -> None:
        for _ in range(200):
            _ = [[number] for number in range(2000)]

    gc.callbacks.append(note)
    try:
        Cycle()
        worker = threading.Thread(target=allocate, name="worker")
        worker.start()
        worker.join()
        assert "worker" not in collected_in and not died.is_set()
        kept = []

        def is_dead() -> bool:
            kept.append([[number] for number in range(2000)])  # the window goes on working
            return died.is_set()

        qtbot.waitUntil(is_dead)
        assert collected_in == {threading.main_thread().name}
    finally:
        gc.callbacks.remove(note)


def test_a_start_is_not_collected_and_then_left_alone(qtbot: Any) -> None:
    collected: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        collected.append(info["generation"])

    collection = GarbageCollection(starting=True)
    gc.callbacks.append(note)
    try:
        loaded = [[number] for number in range(20_000)]
        qtbot.wait(500)
        assert not collected, "there is nothing to collect in what a start loads"
        collection.settle()
        assert gc.get_freeze_count() >= len(loaded)
        assert not any(item is loaded for item in gc.get_objects()), "a collection would look at it again"
        later = [[number] for number in range(20_000)]
        qtbot.waitUntil(lambda: bool(collected))
        assert any(item is later for item in gc.get_objects())
    finally:
        gc.callbacks.remove(note)
        collection.stop()
    assert gc.get_freeze_count() == 0


def test_python_collects_by_itself_again(qtbot: Any) -> None:
    parent = QObject()
    collection = GarbageCollection(parent)
    assert not gc.isenabled()
    collection.stop()
    assert gc.isenabled()
