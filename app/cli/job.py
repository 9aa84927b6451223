"""From a Study to files: what `reconstruct`, `run` and `demo` have in common."""

from __future__ import annotations

import functools
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import INTERRUPTED, print_json, say, to_json
from app.cli.descend import Outcome, descend
from app.cli.losses import save_losses
from app.cli.progress import progress_display
from engine.core.atomic import atomic_write, check_place
from engine.core.errors import FileError, ParameterError
from engine.core.loading import loading
from engine.geometry.mesh import Mesh
from engine.geometry.tet_mesh import TetMesh
from engine.io.format import Kind
from engine.io.registry import extensions, write
from engine.protocol.recording import Recording
from engine.protocol.study import Study

if TYPE_CHECKING:
    from engine.geometry.tet_sheet import TetSheet

FILLED = "flexicubes"
"""The kind of surface whose inside is filled with tetrahedra."""


@dataclass(frozen=True)
class Files:
    """Where results go: the mesh or its inside in tetrahedra, and what was asked for beside it."""

    mesh: Path
    report: Path | None = None
    picture: Path | None = None
    unit: str | None = None
    losses: Path | None = None


def holds_tetrahedra(path: Path) -> bool:
    """Whether such a file holds the inside of a surface in tetrahedra."""
    return any(path.suffix.lower() in group for group in extensions("write", "tetrahedra").values())


def check_output(path: Path, *, filled: bool = False) -> None:
    """Refuse a place that cannot be written before minutes are spent on what goes there.

    filled : the inside can be written too, in tetrahedra
    """
    kinds: list[Kind] = ["mesh", "tetrahedra"] if filled else ["mesh"]
    known = sorted({suffix for kind in kinds for group in extensions("write", kind).values() for suffix in group})
    if path.suffix.lower() not in known:
        raise FileError(
            path, f"{path.suffix or 'no extension'!r} is no mesh format.", remedy=f"Use {', '.join(known)}."
        )
    check_place(path)


def carry_out(
    study: Study,
    inputs: dict[str, Any],
    files: Files,
    *,
    quiet: bool,
    as_json: bool,
    edits: Recording | None = None,
    resume: Path | None = None,
) -> int:
    """Run the study to its end, write its files, say where they are; returns the exit code.

    edits : steer it as they were recorded, and end it where they end
    resume : folder of a Run that goes on
    """
    if not inputs and study.scene is None:
        raise ParameterError("inputs", "the study names no input.", remedy='Add [inputs] with target = "scan.ply".')
    if holds_tetrahedra(files.mesh) and edits is None and resume is None:
        _check_inside(study, files.mesh)
    with loading():
        from engine.studies.session import LocalSession

    make_session = functools.partial(LocalSession, thumbnails=False)
    outcome = descend(
        make_session, study, inputs, progress_display(quiet=quiet or as_json), edits=edits, resume=resume,
        filled=holds_tetrahedra(files.mesh),
    )  # fmt: skip
    export = write(outcome.tetrahedra or outcome.mesh, files.mesh, unit=files.unit)
    report = describe(study, outcome) | {"mesh": export.to_dict()}
    if files.picture:
        _write_picture(outcome.mesh, files.picture)
        report["picture"] = str(files.picture)
    if files.losses:
        save_losses(files.losses, study, outcome.record.curves, outcome.record.branch)
        report["loss_curves"] = str(files.losses)
    if files.report:
        report["report"] = str(files.report)
        with atomic_write(files.report) as temporary:
            temporary.write_text(to_json(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(report)
    elif not quiet:
        _say_outcome(outcome, files, export.warnings)
    return INTERRUPTED if outcome.interrupted else 0


def _check_inside(study: Study, path: Path) -> None:
    """Refuse tetrahedra of a surface that is not filled with them, before the Run."""
    from engine.studies.catalogue import catalogue

    surface = catalogue().study(study.study).surface(study.parameters)
    if surface not in ("", FILLED):
        raise FileError(
            path, f"it holds tetrahedra, and a surface of the kind {surface} has no inside that is filled.",
            remedy=f"Write a mesh, as .ply, or take --surface {FILLED}.",
        )  # fmt: skip


def describe(study: Study, outcome: Outcome) -> dict[str, Any]:
    """The report of a Run, as plain values."""
    return {
        "formwright": importlib.metadata.version("formwright"),
        "study": study.model_dump(mode="json", exclude_none=True),
        "iterations": outcome.iteration,
        "seconds": round(outcome.seconds, 2),
        "interrupted": outcome.interrupted,
        "reason": outcome.reason,
        "losses": outcome.losses,
        "quality": outcome.quality,
        **({"tetrahedra": _sheet(outcome.tetrahedra).to_dict()} if outcome.tetrahedra else {}),
    }


def _sheet(body: TetMesh) -> TetSheet:
    from engine.geometry.tet_sheet import tet_sheet

    return tet_sheet(body.vertices, body.tets)


def _say_outcome(outcome: Outcome, files: Files, warnings: tuple[str, ...]) -> None:
    ending = "Interrupted" if outcome.interrupted else "Done"
    say(f"{ending} after {outcome.iteration} iterations in {outcome.seconds:.1f} s.")
    for line in quality_lines(outcome.quality):
        say(f"  {line}")
    if outcome.tetrahedra:
        for line in _sheet(outcome.tetrahedra).to_text().splitlines():
            say(f"  {line}")
    for warning in warnings:
        say(f"  Note: {warning}")
    for path in (files.mesh, files.picture, files.losses, files.report):
        if path:
            say(f"  {path}")


def quality_lines(quality: dict[str, Any]) -> list[str]:
    """The heart of a quality sheet (`engine.geometry.sheet`, as plain values) for a person."""
    lines = [" ".join(quality.get("verdict", []))]
    lines.append(
        f"{quality['triangles']:,} triangles, Euler characteristic {quality['euler_characteristic']}, "
        f"parts {quality['parts']}, smallest angle {quality['smallest_angle']:.3g}°"
    )
    for key, words in (("surface_to_reference", "to the input"), ("reference_to_surface", "from the input")):
        distances = quality.get(key)
        if distances:
            lines.append(
                f"Distance {words}: mean {distances['mean']:.4g} mm, 95 % within {distances['percentile_95']:.4g} mm, "
                f"largest {distances['maximum']:.4g} mm"
            )
    for name, number in quality.get("found", {}).items():
        deviation = number.get("standard_deviation")
        certain = "" if deviation is None else f" ± {deviation:.2g}"
        lines.append(f"{name} = {number['value']:.6g}{certain} {number['unit']}".rstrip())
    return [line for line in lines if line]


def _write_picture(mesh: Mesh, path: Path) -> None:
    from engine.rendering.picture import picture, save_png

    save_png(picture(mesh), path)
