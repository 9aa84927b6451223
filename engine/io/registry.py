"""Reading and writing any file the program knows. Everything inside is millimetres; units convert here."""

from __future__ import annotations

import dataclasses
import importlib
import logging
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError, GeometryError, MemoryLimitError
from engine.core.units import MILLIMETRES_PER, unit_name
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.volume import Volume
from engine.io.assemble import Place, assemble, placed_volume
from engine.io.format import ExportReport, Format, Kind, Progress, Raw, silent
from engine.io.likely_units import describe_size
from engine.io.shift import NO_SHIFT, Neighbour, Shift, Vector
from engine.io.sniff import foreign_content, is_binary, known_format

FORMAT_MODULES = (
    "engine.io.stl",
    "engine.io.ply",
    "engine.io.obj",
    "engine.io.gltf",
    "engine.io.threemf",
    "engine.io.off",
    "engine.io.vtk",
    "engine.io.xyz",
    "engine.io.pcd",
    "engine.io.las",
    "engine.io.e57",
    "engine.io.msh",
    "engine.io.nrrd",
    "engine.io.npy",
)


@cache
def formats() -> tuple[Format, ...]:
    """Every format, the usual ones first. Their libraries are imported only when a file is read."""
    return tuple(importlib.import_module(module).FORMAT for module in FORMAT_MODULES)


def format_named(name: str) -> Format:
    """The format called `name` ("stl"); raises `KeyError`."""
    return {entry.name: entry for entry in formats()}[name]


def extensions(purpose: Literal["read", "write"] = "read", kind: Kind | None = None) -> dict[str, tuple[str, ...]]:
    """Title -> extensions (".stl", ...) of the formats that serve, for file dialogs.

    kind : only those that can give ("read") or take ("write") this kind of Geometry
    """
    found = {}
    for entry in formats():
        if purpose == "write":
            suffixes = entry.writable(kind)
        else:
            suffixes = entry.extensions if entry.reads and (kind is None or kind in entry.reads) else ()
        if suffixes:
            found[entry.title] = suffixes
    return found


def mesh_files(folder: Path) -> list[Path]:
    """The files of a folder that hold meshes, by their extension, sorted; empty where there is no such folder."""
    known = {ending for endings in extensions("read", "mesh").values() for ending in endings}
    return sorted(path for path in folder.glob("*") if path.is_file() and path.suffix.lower() in known)


def read(
    path: str | Path,
    *,
    unit: str | None = None,
    repairs: tuple[str, ...] = (),
    shift: Shift = "auto",
    beside: tuple[Neighbour, ...] = (),
    progress: Progress = silent,
) -> Mesh | Points | Volume:
    """The Geometry in a file, in millimetres.

    Parameters
    ----------
    unit : what one length in the file is; None for the file's own word, or millimetres where it has none
    repairs : what may be left out (`engine.io.assemble.REPAIRS`), as offered by the `repairs` of an earlier error
    shift : what to take away from coordinates far from zero: "auto", "none", or a vector [mm]
    beside : what is open already; "auto" takes the same shift where it can, so that all stand where they belong
    progress : told the fraction read, where the format allows it

    Raises
    ------
    FileError : names the file, what is wrong with it and what to do
    """
    path = Path(path)
    asked = unit_name(unit) if unit else None
    entry, notes = _recognise(path)
    try:
        assert entry.read is not None
        found = entry.read(path, progress)
        said = asked or (None if isinstance(found, Volume) else found.unit) or entry.unit
        place = Place(said or entry.usual_unit, said is None, shift, beside)
        if isinstance(found, Volume):
            return placed_volume(path, found, place)
        found.notes[:0] = notes
        return assemble(path, found, place, repairs=repairs)
    except FileError:
        raise
    except GeometryError as error:
        raise FileError(path, error.message, remedy=error.remedy, repairs=error.repairs) from error
    except FormwrightError:
        raise
    except MemoryError as error:
        raise MemoryLimitError(
            f"{path.name}: it does not fit into memory.", remedy="Close other programs, or open a coarser version."
        ) from error
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).", remedy="Try again.") from error
    except Exception as error:
        raise FileError(
            path,
            f"it cannot be read as {entry.title}: it is damaged, or of a variant that is not known here.",
            remedy="Export it again, as PLY or STL if you can.",
        ) from error


def write(
    geometry: Mesh | Points | TetMesh, path: str | Path, *, unit: str | None = None, give_back_shift: bool = True
) -> ExportReport:
    """Write a Geometry in the format that the extension says, whole or not at all.

    Parameters
    ----------
    unit : unit of the lengths in the file; None for the format's own, else that of the file it came from
    give_back_shift : add the geometry's shift, so that it stands where its own file has it

    Raises
    ------
    FileError : the extension is unknown, the format cannot hold this kind, or the disk refuses
    """
    path = Path(path)
    entry = _by_extension(path)
    kind = kind_of(geometry)
    suffix = path.suffix.lower()
    if entry is None or suffix not in entry.writable(kind):
        names = ", ".join(sorted({item for group in extensions("write", kind).values() for item in group}))
        if entry is None or suffix not in entry.writable(None):
            problem = f"{path.suffix or 'no extension'!r} is no format to write."
        else:
            title = suffix if suffix in entry.tetrahedra_extensions or kind in entry.writes else entry.title
            problem = f"{title} cannot hold {_KIND_WORDS[kind]}."
        raise FileError(path, problem, remedy=f"Use one of {names}.")
    target = entry.unit or (unit_name(unit) if unit else geometry.unit)
    factor = MILLIMETRES_PER[target]
    scaled = _in_unit(geometry, factor, geometry.shift if give_back_shift else NO_SHIFT)
    with atomic_write(path) as temporary:
        if isinstance(scaled, TetMesh):
            assert entry.write_tetrahedra is not None
            entry.write_tetrahedra(scaled, temporary, target)
        else:
            assert entry.write is not None
            entry.write(scaled, temporary, target)
    rounding = _rounding(scaled) * factor if entry.float32 else 0.0
    warnings = []
    if rounding > 1e-5 * geometry.diagonal:
        warnings.append(
            f"{entry.title} stores single precision: this far from the origin, coordinates move by up to "
            f"{rounding:.2g} mm. OBJ, PLY and 3MF keep them."
        )
    if kind == "mesh" and target != "mm" and not (entry.unit or entry.declares_unit):
        size = describe_size((geometry.bounds[1] - geometry.bounds[0]) / factor)
        warnings.append(
            f"{entry.title} has no unit, and these lengths are in {target}: a slicer takes them for mm and makes it "
            f"{size} large. Export it in mm to print it, or as 3MF, which declares its unit."
        )
    return ExportReport(path, entry.name, target, path.stat().st_size, rounding, tuple(warnings))


logging.getLogger("trimesh").addHandler(logging.NullHandler())
"""What trimesh could not read of a file is said by our notes and errors, not as a traceback in the terminal."""

_KIND_WORDS = {
    "mesh": "a mesh",
    "points": "a point cloud",
    "volume": "a volume",
    "tetrahedra": "a mesh of tetrahedra",
}


def kind_of(geometry: Mesh | Points | TetMesh) -> Kind:
    """What formats call this kind of Geometry."""
    if isinstance(geometry, TetMesh):
        return "tetrahedra"
    return "mesh" if isinstance(geometry, Mesh) else "points"


def _recognise(path: Path) -> tuple[Format, list[str]]:
    """The format by content where its first bytes are clear, else by extension; and notes."""
    try:
        if path.is_dir():
            raise FileError(path, "this is a folder.", remedy="Open a file in it.")
        with path.open("rb") as stream:
            head = stream.read(512)
    except FileNotFoundError:
        raise FileError(path, "there is no such file.", remedy="It may have been moved; open it again.") from None
    except PermissionError:
        raise FileError(path, "you may not read it.", remedy="Change its permissions, or copy it.") from None
    except (OSError, ValueError) as error:
        raise FileError(path, f"it cannot be opened ({error}).", remedy="Check the name and the disk.") from error
    if not head:
        raise FileError(path, "the file is empty.", remedy="Copy or export it again.")
    by_name, by_content = _readable_by_extension(path), known_format(head)
    foreign = None if by_content else foreign_content(head)
    if foreign and not (by_name and by_name.name == "stl" and foreign not in _CERTAIN):
        raise FileError(path, f"this is {foreign}.", remedy=f"Formwright opens {_spoken_extensions()}.")
    if by_content and (by_name is None or by_content != by_name.name):
        entry = format_named(by_content)
        return entry, [f"The file is named {path.suffix or 'without an extension'}, and it is {entry.title}."]
    if by_name is None:
        raise FileError(
            path, f"{path.suffix or 'no extension'!r} is no format known here.", remedy=f"Open {_spoken_extensions()}."
        )
    if by_name.name in _TEXT_FORMATS and is_binary(head):
        raise FileError(path, f"it is not {by_name.title}: it holds no text.", remedy="Export it again.")
    return by_name, []


_TEXT_FORMATS = ("obj", "off", "xyz")
_CERTAIN = ("a PNG picture", "a JPEG picture", "a PDF document", "a gzip archive", "a program")
"""Signatures that a binary STL, whose first 80 bytes are free, does not carry by chance."""


def _by_extension(path: Path) -> Format | None:
    suffix = path.suffix.lower()
    return next((entry for entry in formats() if suffix in entry.extensions), None)


def _readable_by_extension(path: Path) -> Format | None:
    entry = _by_extension(path)
    return entry if entry and entry.reads else None


def _spoken_extensions() -> str:
    return ", ".join(entry.extensions[0][1:].upper() for entry in formats() if entry.reads)


def _in_unit(geometry: Mesh | Points | TetMesh, factor: float, shift: Vector) -> Mesh | Points | TetMesh:
    """The geometry in lengths of `factor` millimetres, its shift given back."""
    if factor == 1.0 and shift == NO_SHIFT:
        return geometry
    back = np.asarray(shift) / factor
    if isinstance(geometry, Mesh | TetMesh):
        return dataclasses.replace(geometry, vertices=geometry.vertices / factor + back)
    return dataclasses.replace(geometry, positions=geometry.positions / factor + back)


def _rounding(geometry: Mesh | Points | TetMesh) -> float:
    """Largest distance by which single precision moves a position."""
    positions = geometry.positions if isinstance(geometry, Points) else geometry.vertices
    with np.errstate(over="ignore"):
        moved = positions.astype(np.float32).astype(np.float64) - positions
    return float(np.sqrt((moved**2).sum(axis=1).max(initial=0.0)))


__all__ = ["ExportReport", "Format", "Raw", "extensions", "format_named", "formats", "read", "write"]
