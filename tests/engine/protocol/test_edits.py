"""Edits cross a queue, a file and a Checkpoint: all that they hold comes back, and nothing else gets in."""

from __future__ import annotations

import base64
import copy
import pickle
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.core.errors import ParameterError
from engine.protocol.edits import EDIT, AddTerm, PaintFreeze, RemoveMask, SetFrozen, SetMask, SetTermMask
from engine.protocol.study import Study, TermSpec

finite = st.floats(-1e12, 1e12)


@given(st.integers(0, 40).flatmap(lambda n: st.tuples(
    arrays.arrays(np.float64, (n, 3), elements=finite),
    arrays.arrays(np.float32, (n,), elements=st.floats(0.0, 1.0, width=32)),
)))  # fmt: skip
def test_a_mask_comes_back_from_a_line_of_json_bit_for_bit(content: tuple[np.ndarray, np.ndarray]) -> None:
    mask = SetMask(name="nose", points=content[0], values=content[1], reach=2.5)
    line = EDIT.dump_json(mask)
    assert b"\n" not in line
    again = EDIT.validate_json(line)
    assert isinstance(again, SetMask)
    assert again == mask
    assert again.points.tobytes() == mask.points.tobytes() and again.values.tobytes() == mask.values.tobytes()
    assert EDIT.validate_python(mask.model_dump()) == mask
    assert pickle.loads(pickle.dumps(mask)) == mask == copy.deepcopy(mask)


def test_masks_are_equal_by_what_they_hold() -> None:
    points, values = np.zeros((2, 3)), np.array([0.0, 1.0], np.float32)
    mask = SetMask(name="nose", points=points, values=values, reach=1.0)
    assert mask == SetMask(name="nose", points=points.tolist(), values=[0.0, 1.0], reach=1.0)
    assert mask != SetMask(name="nose", points=points + 1e-9, values=values, reach=1.0)
    assert mask != SetMask(name="nose", points=points, values=values[::-1], reach=1.0)
    assert mask != SetMask(name="nose", points=points[:1], values=values[:1], reach=1.0)
    assert mask != SetMask(name="ear", points=points, values=values, reach=1.0)
    assert mask != RemoveMask(name="nose")


def test_the_array_in_a_mask_cannot_be_written_to() -> None:
    mine = np.zeros((2, 3))
    mask = SetMask(name="nose", points=mine, values=[0.0, 1.0], reach=1.0)
    with pytest.raises(ValueError, match="read-only"):
        mask.points[0] = 1.0
    mine[0] = 1.0  # the caller's own stays the caller's


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": [[0.0, 0.0, np.nan]] * 2}, "not a number"),
        ({"values": [0.0, np.inf]}, "not a number"),
        ({"values": [0.0, 1.5]}, "between 0 and 1"),
        ({"values": [-0.1, 0.5]}, "between 0 and 1"),
        ({"values": [0.0, 0.5, 1.0]}, "3 values for 2 points"),
        ({"points": [[0.0, 0.0]] * 2}, "its shape should be any × 3, not 2 × 2"),
        ({"points": "nose"}, "points"),
        ({"points": None}, "shape"),
        ({"reach": 0.0}, "reach"),
        ({"reach": np.inf}, "reach"),
        ({"name": ""}, "name"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused_in_words(change: dict[str, Any], said: str) -> None:
    sound = {"name": "nose", "points": np.zeros((2, 3)), "values": [0.0, 1.0], "reach": 1.0}
    SetMask.parse(sound, owner="mask")
    with pytest.raises(ParameterError, match=said):
        SetMask.parse({**sound, **change}, owner="mask")


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"dtype": "<f8", "shape": [1, 3], "zlib": packed(bytes(23))}, "damaged"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": packed(bytes(25))}, "damaged"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": packed(bytes(24))[:-6]}, "damaged"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": "§§"}, "points"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": base64.b64encode(b"no zlib here").decode()}, "damaged"),
        ({"dtype": "|O8", "shape": [1, 3], "zlib": packed(bytes(24))}, "dtype"),
        ({"dtype": "<f8", "shape": [-1, 3], "zlib": packed(b"")}, "shape"),
        ({"dtype": "<f8", "shape": [2**40, 3], "zlib": packed(b"")}, "larger than"),
        ({"dtype": "<f8", "shape": [1, 3]}, "points"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": packed(np.full(3, np.nan).tobytes())}, "not a number"),
        ({"dtype": "<f8", "shape": [1, 3], "zlib": 7}, "points"),
    ],
)
def test_a_damaged_array_is_refused_in_words(form: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as refusal:
        SetMask.parse({"name": "nose", "points": form, "values": [1.0], "reach": 1.0}, owner="mask")
    assert len(str(refusal.value)) < 500


def test_a_bomb_is_not_unpacked() -> None:
    """64 MiB of zeros in 64 kB, said to be one point: no more than one point is ever unpacked."""
    import tracemalloc

    bomb = {"dtype": "<f8", "shape": [1, 3], "zlib": packed(bytes(2**26))}
    tracemalloc.start()
    with pytest.raises(ParameterError, match="damaged"):
        SetMask.parse({"name": "nose", "points": bomb, "values": [1.0], "reach": 1.0}, owner="mask")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize(
    "edit",
    [
        RemoveMask(name="nose"),
        SetTermMask(term="fit", mask="nose", outside=0.25),
        SetFrozen(strokes=[]),
        SetFrozen(strokes=[PaintFreeze(centres=[(1.0, 2.0, 3.0)], radius=2.0, frozen=False)]),
        AddTerm(spec=TermSpec(kind="fit", name="fit", mask="nose", outside=0.5)),
    ],
)
def test_the_edits_of_masks_and_freezing_come_back_from_json(edit: Any) -> None:
    assert EDIT.validate_json(EDIT.dump_json(edit)) == edit


def test_a_study_says_where_its_terms_count() -> None:
    study = Study(terms=[TermSpec(kind="fit", name="fit", mask="nose", outside=0.2)])
    assert Study.from_toml(study.to_toml()) == study
    with pytest.raises(ParameterError, match="outside"):
        TermSpec.parse({"kind": "fit", "name": "fit", "outside": 1.5}, owner="fit")
