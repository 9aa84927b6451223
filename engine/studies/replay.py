"""A recorded session, done again with no window.

from engine.io.registry import write
from engine.protocol.recording import read_recording
from engine.protocol.study import Study
from engine.studies.replay import replay

study = Study.read("part.toml")
write(replay(study, edits=read_recording("part.edits.jsonl")), "part.stl")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol.recording import Recording, as_recording
from engine.protocol.session import ResultMesh
from engine.protocol.snapshot import ProblemRaised
from engine.protocol.study import Study
from engine.studies.inputs import load_inputs
from engine.studies.session import Build, LocalSession


def replay(
    study: Study,
    inputs: Mapping[str, Any] | None = None,
    edits: Recording | Iterable[dict[str, Any]] = (),
    *,
    build: Build | None = None,
) -> Mesh:
    """The surface [mm, world] that a study comes to when it is steered as it was recorded.

    On the same processor, versions and number of threads it is the same bit for bit.

    study : as it was started
    inputs : Geometry by role; None: the files that the study names
    edits : what was recorded, or its lines as objects (`engine.protocol.recording`); none: the study runs to its end
    build : makes the problem of a study; the registry of studies when None

    Raises `FormwrightError` when the Run fails, or when it leaves the recorded path.
    """
    recording = edits if isinstance(edits, Recording) else as_recording(edits)
    session = LocalSession(build=build, thumbnails=False)
    try:
        session.start(study, dict(inputs) if inputs is not None else load_inputs(study), edits=recording)
        session.run_to_end()
        problems = [event for event in session.events() if isinstance(event, ProblemRaised)]
        if session.run is None or (session.run.status == "failed" and not session.at_recorded_end):
            last = problems[-1] if problems else ProblemRaised("The run failed.")
            raise FormwrightError(last.message, remedy=last.remedy)
        mesh: Mesh = session.ask(ResultMesh()).result()
        return mesh
    finally:
        session.close()
