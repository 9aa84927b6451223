"""Writes `format-N.formwright` of the present format N, once, before it is released; later formats add theirs.

python tests/app/document/data/make.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "support"))

from documents import content, run_files  # noqa: E402  (found on the path that was just extended)

from app.document.file import save_document  # noqa: E402
from app.document.migrations import FORMAT  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    run_folder, note = run_files(Path(folder) / "run")
    save_document(HERE / f"format-{FORMAT}.formwright", content(run=note), run_folder=run_folder)
