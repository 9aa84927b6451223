"""What a file really holds, by its first bytes."""

from __future__ import annotations

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"ISO-10303-21", "a STEP file of CAD surfaces"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
    (b"BLENDER", "a Blender file"),
    (b"Kaydara FBX", "an FBX file"),
    (b"\x89HDF", "an HDF5 file"),
)


def known_format(head: bytes) -> str | None:
    """Name of the format of ours that the first 512 bytes give away, or None."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:4] in (b"ply\n", b"ply\r"):
        return "ply"
    if text[:11] == b"$MeshFormat":
        return "msh"
    if head[:4] == b"NRRD":
        return "nrrd"
    if head[:6] == b"\x93NUMPY":
        return "npy"
    if head[:4] == b"glTF":
        return "gltf"
    if head[:4] == b"PK\x03\x04":
        return "3mf"
    if head[:4] == b"LASF":
        return "las"
    if head[:8] == b"ASTM-E57":
        return "e57"
    if text[:3] == b"OFF" or text[:4] in (b"COFF", b"NOFF"):
        return "off"
    if text[:14] == b"# vtk DataFile":
        return "vtk"
    if b"<VTKFile" in text[:512]:
        return "vtk"
    if b"# .PCD" in text[:64] or text[:8] == b"VERSION ":
        return "pcd"
    if text[:5].lower() == b"solid" and b"facet" in text.lower():
        return "stl"
    return None


def foreign_content(head: bytes) -> str | None:
    """What kind of file of somebody else's the first bytes give away, in words; or None."""
    for signature, words in _FOREIGN:
        if head.startswith(signature):
            return words
    return None


def is_binary(head: bytes) -> bool:
    """Whether the bytes hold zeros, which no text does."""
    return b"\0" in head
