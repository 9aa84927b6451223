"""Files that are written whole or not at all, from several threads."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.atomic import atomic_write
from engine.core.errors import FileError


def write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@pytest.fixture
def mask() -> Iterator[int]:
    """The umask of this process, which is another one than usual."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_a_new_file_has_the_permissions_of_any_other_and_an_old_one_keeps_its_own(tmp_path: Path, mask: int) -> None:
    write(tmp_path / "a.txt", "one")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask
    (tmp_path / "a.txt").chmod(0o604)
    write(tmp_path / "a.txt", "two")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o604
    assert (tmp_path / "a.txt").read_text() == "two" and len(list(tmp_path.iterdir())) == 1


def test_the_umask_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the process's: two threads that take it off and put it back leave files that anybody may write."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("another thread would see this"))
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "a.txt", "two")


def test_what_only_its_owner_may_read_is_not_open_to_others_while_it_is_written(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "one")
    (tmp_path / "a.txt").chmod(0o600)
    with atomic_write(tmp_path / "a.txt") as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        temporary.write_text("two")


def test_a_failure_leaves_what_stood_there_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "one")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "one" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(FileError, match="folder does not exist"):
        write(tmp_path / "none" / "a.txt", "one")
