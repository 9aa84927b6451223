"""The command that does what the window is set up to do."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from app.document.workspaces import SIMULATE
from engine.protocol.catalogue import Catalogue
from engine.protocol.study import OptimizerSpec, Study


def command_line(study: Study, catalogue: Catalogue | None) -> str:
    """`formwright reconstruct INPUT -o OUTPUT` with what differs from the defaults.

    What has no option (added Terms, handles, Term parameters) needs the study's file: then it is
    `formwright run STUDY.toml`, which *Save study* writes; a scene needs its own, which *Save scene* writes.
    """
    if study.scene is not None:
        plain = study.study == SIMULATE and not study.parameters
        return shlex.join(
            ["formwright", "simulate", "scene.toml", "-o", "simulation"] if plain
            else ["formwright", "run", "study.toml", "-o", f"{study.study}"]
        )  # fmt: skip
    target = study.inputs.get("target", "INPUT")
    output = f"{Path(target).stem}-{study.study}.stl"
    entry = next((item for item in catalogue.studies if item.study == study.study), None) if catalogue else None
    defaults = {spec.name: spec for spec in entry.default_terms} if entry else {}
    weights = _weights(study, defaults)
    if weights is None:
        return shlex.join(["formwright", "run", "study.toml", "-o", output])
    words = ["formwright", study.study, target, "-o", output]
    if unit := study.units.get("target"):
        words += ["--unit", unit]
    if shift := study.shifts.get("target"):
        words += ["--shift=" + ",".join(f"{length:.17g}" for length in shift)]
    schema = entry.schema_.get("properties", {}) if entry else {}
    for name, value in study.parameters.items():
        if value is not None and value != schema.get(name, {}).get("default"):
            words += _option(name, value)
    standard = OptimizerSpec().model_dump()
    for name, value in study.optimizer.model_dump().items():
        if value != standard[name]:
            words += _option("optimizer" if name == "kind" else name, value)
    return shlex.join([*words, *weights])


def _weights(study: Study, defaults: dict[str, Any]) -> list[str] | None:
    """`--weight TERM=WEIGHT` where it differs; None when the Terms differ in more than their weights."""
    if not study.terms:
        return []
    if {spec.name for spec in study.terms} != set(defaults):
        return None
    words: list[str] = []
    for spec in study.terms:
        default = defaults[spec.name]
        if spec.model_copy(update={"weight": default.weight}) != default:
            return None
        if spec.weight != default.weight:
            words += ["--weight", f"{spec.name}={spec.weight:g}"]
    return words


def _option(name: str, value: Any) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        return [flag if value else "--no-" + name.replace("_", "-")]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]
