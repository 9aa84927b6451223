"""Files damaged in every way that disks, networks, other programs and enemies know, each from a seed.

`every_damage` is what a file can suffer: `damages`, which harm any content, and the attacks that its content invites
(archives, JSON, XML, NumPy arrays, also inside an archive). A new kind of file is tested by a `Subject` of its own.
"""

from __future__ import annotations

import functools
import io
import json
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import FormwrightError

Damage = tuple[str, bytes]
"""What was done, in a word, and the damaged content."""

NUMBERS = (b"-1", b"0", b"1", b"99999999", b"4294967296", b"1e400", b"-1e400", b"nan", b"inf", b"-inf", b"0x7f", b"1,5")
"""What may stand where a number was."""
COUNTS = (b"2147483647", b"4294967295", b"9223372036854775807", b"99999999999999999999", b"-2147483648")


@dataclass(frozen=True)
class Subject:
    """A kind of file to damage.

    build : writes a sound one
    open : reads one; refuses with a `FormwrightError` that names it
    """

    name: str
    suffix: str
    build: Callable[[Path], object]
    open: Callable[[Path], object]


def damages(content: bytes, seed: int, count: int) -> Iterator[Damage]:
    """`count` damaged copies, every kind in turn."""
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        damaged = kind(content, np.random.default_rng([seed, index]))
        yield kind.__name__.strip("_"), damaged or b"\0"


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(1, len(content)))]


def _flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for place in rng.integers(0, len(data), int(rng.integers(1, 9))):
        data[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(data)


def _flip_bits_of_the_head(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for place in rng.integers(0, min(len(data), 256), int(rng.integers(1, 5))):
        data[place] = int(rng.integers(0, 256))
    return bytes(data)


def _remove(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(0, len(content))), int(rng.integers(1, 64))
    return content[:start] + content[start + length :]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(0, len(content))), int(rng.integers(1, 512))
    return content[: start + length] + content[start:]


def _overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(0, len(content))), int(rng.integers(1, 64))
    return content[:start] + bytes(rng.integers(0, 256, length, np.uint8)) + content[start + length :]


def _zero(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(0, len(content))), int(rng.integers(16, 4096))
    return content[:start] + bytes(len(content[start : start + length])) + content[start + length :]


def _change_numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Of the first thousand characters, where counts stand."""
    return _replace(content, rng, rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", NUMBERS, most=1000)


def _change_numbers_anywhere(content: bytes, rng: np.random.Generator) -> bytes:
    return _replace(content, rng, rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", NUMBERS, most=len(content))


def _count_too_much(content: bytes, rng: np.random.Generator) -> bytes:
    return _replace(content, rng, rb"(?<![\w.])\d+(?![\w.])", COUNTS, most=1000)


def _grow_binary_counts(content: bytes, rng: np.random.Generator) -> bytes:
    """Four bytes near the beginning become a huge number, of either byte order."""
    place = int(rng.integers(0, max(1, min(len(content), 512) - 4)))
    number = (b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\x80")[int(rng.integers(0, 4))]
    return content[:place] + number + content[place + 4 :]


def _swap_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """From some place on every word has its bytes the other way round."""
    start = int(rng.integers(0, len(content))) // 4 * 4
    end = start + (len(content) - start) // 4 * 4
    words = np.frombuffer(content[start:end], "<u4").byteswap()
    return content[:start] + words.tobytes() + content[end:]


def _not_numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Words become NaN or infinite, as binary floats."""
    data = bytearray(content)
    for place in rng.integers(0, max(1, len(data) - 8), 6):
        value = (float("nan"), float("inf"), float("-inf"), 3e38, 1e-45)[int(rng.integers(0, 5))]
        packed = struct.pack("<f", value) if rng.random() < 0.5 else struct.pack("<d", value)
        data[place : place + len(packed)] = packed
    return bytes(data)


def _encode_otherwise(content: bytes, rng: np.random.Generator) -> bytes:
    text = content.decode("latin-1")
    codings = ("utf-16", "utf-16-be", "utf-32", "utf-7", "utf-8", "cp037")
    return text.encode(codings[int(rng.integers(0, len(codings)))], "replace")


def _foreign_words(content: bytes, rng: np.random.Generator) -> bytes:
    words = (
        "\ufeff",
        "Ünïcödé",
        "\u0661\u0662",
        "\u2028",
        "\0",
        "\x1b[31m",
        "%s%n",
        "'; --",
        "\r\r\n",
        " " * 5000,
        "\t#",
    )
    place = int(rng.integers(0, len(content)))
    return content[:place] + words[int(rng.integers(0, len(words)))].encode() + content[place:]


def _other_line_ends(content: bytes, rng: np.random.Generator) -> bytes:
    return content.replace(b"\n", (b"\r", b"", b"\n\n", b"\r\n", b" ")[int(rng.integers(0, 5))])


def _join_with_itself(content: bytes, rng: np.random.Generator) -> bytes:
    return content + content[int(rng.integers(0, len(content))) :]


def every_damage(content: bytes, seed: int, count: int) -> Iterator[Damage]:
    """`count` copies damaged blindly, and all attacks that this content invites."""
    yield from damages(content, seed, count)
    if content[:2] == b"PK":
        yield from zip_attacks(content, seed)
    elif content.lstrip()[:1] == b"{":
        yield from json_attacks(content)
    elif content.lstrip()[:2] in (b"<?", b"<V"):
        yield from xml_attacks(content)


def suffer(subject: Subject, content: bytes, folder: Path) -> str:
    """Open a damaged copy; returns "opened" or what was said of it. Anything but a `FormwrightError` that names the
    file, and any file outside of `folder`, fails."""
    path = folder / f"bad{subject.suffix}"
    path.write_bytes(content)
    before = {item.name for item in folder.parent.iterdir()}
    try:
        subject.open(path)
    except FormwrightError as error:
        said = str(error)
        assert path.name in said, said
        assert "Traceback" not in said and "Error(" not in said, said
        return said
    finally:
        assert {item.name for item in folder.parent.iterdir()} == before, "something was written outside"
    return "opened"


KINDS = (
    _cut, _flip_bits, _flip_bits_of_the_head, _remove, _repeat, _overwrite, _zero, _change_numbers,
    _change_numbers_anywhere, _count_too_much, _grow_binary_counts, _swap_bytes, _not_numbers, _encode_otherwise,
    _foreign_words, _other_line_ends, _join_with_itself,
)  # fmt: skip


def zip_attacks(content: bytes, seed: int) -> Iterator[Damage]:
    """An archive whose members lie about their names, sizes and contents."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
        packing = archive.infolist()[0].compress_type
    zipped = functools.partial(_zipped, packing=packing)
    rng = np.random.default_rng(seed)
    for name in (
        "../../escaped.txt",
        "/escaped.txt",
        "C:\\escaped.txt",
        "a/../../escaped.txt",
        "~/escaped.txt",
        "\\\\x\\y",
    ):
        yield f"traversal {name}", zipped({**members, name: b"out of its folder"})
        first, *_ = members
        renamed = {name if member == first else member: body for member, body in members.items()}
        yield f"member renamed {name}", zipped(renamed)
    for name, content_of_it in members.items():
        yield f"without {name}", zipped({other: body for other, body in members.items() if other != name})
        yield f"empty {name}", zipped({**members, name: b""})
        yield f"10 GB {name}", zipped(members, bomb=name)
        for kind, body in _damages_of_member(name, content_of_it, seed, max(2, 2 * len(KINDS) // len(members))):
            yield f"{kind} in {name}", zipped({**members, name: body})
    yield "twice", zipped(members, twice=True)
    yield "nothing", zipped({})
    yield "many", zipped({**members, **{f"extra/{index}": b"" for index in range(20_000)}})
    central = content.rfind(b"PK\x01\x02")
    for field, size in ((16, 4), (20, 4), (24, 4), (28, 2), (42, 4), (8, 2), (10, 2)):
        value = rng.integers(0, 256, size, np.uint8).tobytes()
        yield f"directory field {field}", content[: central + field] + value + content[central + field + size :]


def _damages_of_member(name: str, body: bytes, seed: int, count: int) -> Iterator[Damage]:
    if body:
        yield from damages(body, seed, count)
    if name.endswith(".npy"):
        yield from npy_attacks()
    elif body.lstrip()[:1] == b"{":
        yield from json_attacks(body)
    elif body.lstrip()[:2] == b"<?" and b"<model" in body:
        yield from xml_attacks(body)


def json_attacks(document: bytes) -> Iterator[Damage]:
    """JSON that is too deep, too large, of another shape, or has numbers that are none."""
    depth = 200_000
    yield "deep lists", b"[" * depth + b"]" * depth
    yield "deep objects", b'{"a":' * depth + b"1" + b"}" * depth
    yield "a list", b"[1, 2, 3]"
    yield "null", b"null"
    yield "a long number", b'{"version": ' + b"9" * 100_000 + b"}"
    values = json.loads(document)
    for path in _places(values):
        for value in (None, -1, 2**63, 1e308, "text", [], {}, [[]], True):
            yield f"{path} = {value!r:.20}", json.dumps(_with(values, path, value)).encode()
        for word in (b"NaN", b"-Infinity"):
            marked = json.dumps(_with(values, path, "@@")).encode()
            yield f"{path} = {word.decode()}", marked.replace(b'"@@"', word)


def xml_attacks(document: bytes) -> Iterator[Damage]:
    """XML that grows while it is read, is too deep, or asks for files."""
    head, root, rest = _xml_parts(document)
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 12))
    yield "billion laughs", b'<!DOCTYPE x [<!ENTITY l0 "ha">' + laughs + b"]>" + root + b"&l11;" + rest
    yield "external entity", b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + root + b"&f;" + rest
    yield "deep", head + root + b"<a>" * 100_000 + b"</a>" * 100_000 + rest
    yield "unclosed", head + root
    yield "long attribute", head + root.replace(b">", b' x="' + b"y" * 20_000_000 + b'">', 1) + rest


def npy(shape: str, kind: str = "<f8", body: bytes = b"", order: str = "False") -> bytes:
    """A `.npy` file that says what it likes of its shape and type."""
    header = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def npy_attacks() -> Iterator[Damage]:
    """Arrays that are too large, of a wrong shape or type, not finite, or would run code when unpickled."""
    yield "huge shape", npy("(1000000000000, 3)")
    yield "negative shape", npy("(-1, 3)", body=bytes(24))
    yield "flat", npy("(9,)", body=bytes(72))
    yield "four columns", npy("(3, 4)", body=bytes(96))
    yield "objects", npy("(1,)", "|O", b"cos\nsystem\n(S'true'\ntR.")
    yield "text", npy("(3, 3)", "<U4", "abcd".encode("utf-32-le") * 9)
    yield "complex", npy("(3, 3)", "<c16", bytes(144))
    yield "nan", npy("(3, 3)", body=np.full((3, 3), np.nan).tobytes())
    yield "inf", npy("(3, 3)", body=np.full((3, 3), np.inf).tobytes())
    yield "header is code", npy("__import__('os').getpid()", body=bytes(72))
    yield "cut", npy("(3, 3)", body=bytes(30))
    yield "no array", b"not an array"


def _replace(content: bytes, rng: np.random.Generator, pattern: bytes, words: tuple[bytes, ...], most: int) -> bytes:
    found = list(re.finditer(pattern, content[:most]))
    if not found:
        return _flip_bits(content, rng)
    match = found[int(rng.integers(0, len(found)))]
    return content[: match.start()] + words[int(rng.integers(0, len(words)))] + content[match.end() :]


def _zipped(members: dict[str, bytes], *, packing: int, bomb: str = "", twice: bool = False) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", packing) as archive:
        warnings.simplefilter("ignore")  # that a name comes twice
        for _ in range(1 + twice):
            for name, body in members.items():
                if name != bomb:
                    archive.writestr(zipfile.ZipInfo(name), body, packing)
    return stream.getvalue() if not bomb else _with_bomb(stream.getvalue(), bomb)


def _with_bomb(archive: bytes, name: str, size: int = 10 * 2**30) -> bytes:
    """The archive with one more member, which unpacks to `size` spaces. Its checksum is wrong: nobody gets that far."""
    block = 1 << 24
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(b" " * block) + packer.flush(zlib.Z_FULL_FLUSH)
    body = piece * (size // block) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as target:
        target.writestr(zipfile.ZipInfo(name), body)
        info = target.infolist()[-1]
        info.file_size, info.compress_type, info.CRC = size, zipfile.ZIP_DEFLATED, 0x12345678
        info.compress_size = len(body)
    data = bytearray(stream.getvalue())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as written:
        offset = written.infolist()[-1].header_offset
    data[offset + 8 : offset + 10] = struct.pack("<H", zipfile.ZIP_DEFLATED)
    return bytes(data)


def _xml_parts(document: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before the root's first tag, that tag, and the rest."""
    match = re.search(rb"<(?![?!])[^>]*>", document)
    assert match is not None
    return document[: match.start()], match[0], document[match.end() :]


def _places(values: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The path to every entry."""
    entries: list[tuple[object, object]] = []
    if isinstance(values, dict):
        entries = list(values.items())
    elif isinstance(values, list):
        entries = list(enumerate(values))[:2]
    for key, value in entries:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _with(values: object, path: tuple[object, ...], value: object) -> object:
    if not path:
        return value
    copy = dict(values) if isinstance(values, dict) else list(values)  # type: ignore[call-overload]  # a JSON container
    copy[path[0]] = _with(copy[path[0]], path[1:], value)
    return copy
