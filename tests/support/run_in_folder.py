"""A Run folder as its manifest says it, without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.protocol.study import Study


def write_run(folder: Path, study: Study, *, iteration: int = 12, checkpoints: int = 2, **changes: Any) -> Path:
    """Write a manifest whose other files nobody looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": 1,
        "formwright": "0",
        "saved": 1.7e9,
        "run": 1,
        "study": study.model_dump(mode="json"),
        "state": "state-1.zip",
        "iteration": iteration,
        "iterations": 300,
        "branch": "main",
        "status": "paused",
        "position": {},
        "edits": 0,
        "next": checkpoints,
        "branches": [{"name": "main", "fork": None}],
        "checkpoints": [{"id": number + 1, "branch": "main", "iteration": number} for number in range(checkpoints)],
    }
    (folder / "run.json").write_text(json.dumps(manifest | changes))
    (folder / "state-1.zip").write_bytes(b"state")
    return folder
