"""Garbage while a process loads."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from engine.core.loading import loading


class Node:
    """Hangs on itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """As Python starts, and nothing frozen afterwards."""
    gc.enable()
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_within_and_what_came_later_is() -> None:
    with loading():
        assert not gc.isenabled()
        kept = Node()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert not any(each is kept for each in gc.get_objects())

    later = Node()
    gone = weakref.ref(later)
    del later
    gc.collect()
    assert gone() is None
    assert kept.own is kept


def test_garbage_of_before_goes() -> None:
    before = Node()
    gone = weakref.ref(before)
    del before
    with loading():
        assert gone() is None


def test_it_goes_on_collecting_after_an_error() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError("no such room")
    assert gc.isenabled()


def test_it_leaves_collection_to_whoever_took_it_over() -> None:
    gc.disable()
    with loading():
        pass
    assert not gc.isenabled()
