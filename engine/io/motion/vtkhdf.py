"""VTKHDF: all frames in one file that ParaView plays, with every value. Metres and seconds.

Through VTK's own writer, which asks a source of data for one time after the other.
Source: VTK file formats, "VTKHDF" (PolyData, transient).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.io.format import Progress
from engine.io.motion.motion import Motion
from engine.io.motion.registry import MotionFormat

CHUNK = 4096
"""Values that are stored together: VTK's own size makes a file of a few short frames thousands of times too large."""
COMPRESSION = 4


def write(motion: Motion, path: Path, unit: str, progress: Progress) -> tuple[Path, ...]:
    from vtkmodules.vtkIOHDF import vtkHDFWriter

    from engine.io.vtk import overheard

    with atomic_write(path) as temporary, overheard() as messages:
        frames = _frames(motion, progress)
        writer = vtkHDFWriter()
        writer.SetFileName(str(temporary))
        writer.SetInputConnection(frames.GetOutputPort())
        writer.SetWriteAllTimeSteps(True)
        writer.SetChunkSize(CHUNK)
        writer.SetCompressionLevel(COMPRESSION)
        written = writer.Write()
        if frames.error is not None:
            raise frames.error
        if not written or writer.GetErrorCode() or messages.GetOutput():
            raise OSError(0, "VTK could not write the file")
    return (path,)


def _frames(motion: Motion, progress: Progress) -> Any:
    """A source of VTK's pipeline whose times are the frames'; an exception stops it and is kept in `error`."""
    from vtkmodules.util.vtkAlgorithm import VTKPythonAlgorithmBase
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline as Pipeline

    times = _times(motion)

    class Frames(VTKPythonAlgorithmBase):
        def __init__(self) -> None:
            super().__init__(nInputPorts=0, nOutputPorts=1, outputType="vtkPolyData")
            self.error: BaseException | None = None

        def RequestInformation(self, _request: Any, _inputs: Any, outputs: Any) -> int:  # noqa: N802
            information = outputs.GetInformationObject(0)
            information.Set(Pipeline.TIME_STEPS(), times.tolist(), len(times))
            information.Set(Pipeline.TIME_RANGE(), [times[0], times[-1]], 2)
            return 1

        def RequestData(self, _request: Any, _inputs: Any, outputs: Any) -> int:  # noqa: N802
            if self.error is not None:
                return 0
            information = outputs.GetInformationObject(0)
            time = information.Get(Pipeline.UPDATE_TIME_STEP()) if information.Has(Pipeline.UPDATE_TIME_STEP()) else 0.0
            index = int(np.argmin(np.abs(times - time)))
            try:
                vtkPolyData.GetData(outputs).ShallowCopy(_data(motion, index))
                progress((index + 1) / len(times))
            # VTK's C++ would print what is raised through it, and go on.
            except BaseException as error:
                self.error = error
                return 0
            return 1

    return Frames()


def _times(motion: Motion) -> np.ndarray:
    return np.array([motion.frame(index).time for index in range(len(motion))])


def _data(motion: Motion, index: int) -> Any:
    """A frame as vtkPolyData, in metres."""
    from dataclasses import replace

    from engine.io.vtk import polygon_data

    mesh = motion.mesh(index)
    return polygon_data(replace(mesh, vertices=mesh.vertices / 1000.0))


FORMATS = (MotionFormat("vtkhdf", ".vtkhdf", write, unit="m"),)
