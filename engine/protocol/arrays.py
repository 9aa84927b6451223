"""Arrays as fields of a record: typed, finite, compact in JSON, and equal by what they hold."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.core.parameters import ParameterModel

LARGEST = 2**28
"""Bytes that one array may hold: eleven million positions. What a text claims beyond it is never unpacked."""


class ArrayModel(ParameterModel):
    """A record with arrays among its fields."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(value, getattr(other, name)) for name, value in self)

    __hash__ = None  # type: ignore[assignment]  # like every record that can change


@dataclass(frozen=True)
class ArrayForm:
    """What an array must be, and how it travels: `Annotated[np.ndarray, ArrayForm(...)]`.

    In memory it is a read-only, C-contiguous, finite array. In JSON it is an object of "dtype", "shape" and "zlib":
    base64 of its compressed bytes, little-endian.

    dtype : "<f4", "<f8", ...
    shape : with None for a length that is free
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.pack, when_used="json"),
        )

    def validate(self, value: Any) -> np.ndarray:
        """`value` (an array, nested lists, or the JSON form) as such an array; raises `ValueError`."""
        try:
            array = self._unpack(value) if isinstance(value, dict) else np.asarray(value, np.dtype(self.dtype))
        except (TypeError, OverflowError, KeyError) as error:
            raise ValueError(f"it is not an array of numbers ({error})") from None
        if array.size == 0 and array.ndim == 1:
            array = array.reshape([0 if length is None else length for length in self.shape])
        if array.ndim != len(self.shape) or any(
            wanted is not None and wanted != length for wanted, length in zip(self.shape, array.shape, strict=True)
        ):
            wanted = " × ".join("any" if length is None else str(length) for length in self.shape)
            raise ValueError(f"its shape should be {wanted}, not {' × '.join(map(str, array.shape)) or 'a number'}")
        if array.nbytes > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
        if not np.isfinite(array).all():
            raise ValueError("it holds a value that is not a number")
        kept = np.ascontiguousarray(array).view()
        kept.flags.writeable = False
        return kept

    def pack(self, array: np.ndarray) -> dict[str, Any]:
        """The JSON form."""
        # Level 1: a stroke of the brush must not wait, and coordinates hardly shrink further.
        packed = zlib.compress(np.ascontiguousarray(array, np.dtype(self.dtype)).tobytes(), level=1)
        return {"dtype": self.dtype, "shape": list(array.shape), "zlib": base64.b64encode(packed).decode("ascii")}

    def _unpack(self, value: dict[str, Any]) -> np.ndarray:
        dtype, shape, text = value["dtype"], value["shape"], value["zlib"]
        if dtype != self.dtype:
            raise ValueError(f"its dtype should be {self.dtype}, not {dtype!r}")
        if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("its shape should be a list of lengths")
        size = math.prod(shape) * np.dtype(self.dtype).itemsize
        if size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
        try:
            unpacking = zlib.decompressobj()
            content = unpacking.decompress(base64.b64decode(text, validate=True), size + 1)
        except (binascii.Error, zlib.error) as error:
            raise ValueError(f"it is damaged ({error})") from None
        if len(content) != size or not (unpacking.eof or not size) or unpacking.unused_data:
            raise ValueError("it is damaged (its bytes do not fill its shape)")
        return np.frombuffer(content, np.dtype(self.dtype)).reshape(shape)


Positions = Annotated[np.ndarray, ArrayForm("<f8", (None, 3))]
"""World positions [mm], shape (n, 3). Double precision: a surveyed scan lies far from the world's zero."""

Scalars = Annotated[np.ndarray, ArrayForm("<f4", (None,))]
"""One number a point, shape (n,)."""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)
