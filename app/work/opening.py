"""Files on their way in: read by the loader process, watched by the window, one progress at a time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from app.document.topic import Topic
from app.work.task_rows import TaskCancelledError, TaskRow
from app.work.tasks import Tasks
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.study import SAMPLE

if TYPE_CHECKING:
    from engine.geometry.volume import Volume
    from engine.io.loader import LoadTask


class Opener:
    """Reads files without blocking, with a row a file. `changed` is told when reading begins and ends.

    beside : what is open already, beside which a file's coordinates are to stand where they belong
    """

    def __init__(
        self,
        tasks: Tasks,
        opened: Callable[[Path, Mesh | Points], object],
        failed: Callable[[Path, BaseException], object],
        beside: Callable[[], Iterable[Mesh | Points]] = tuple,
    ) -> None:
        self.changed = Topic()
        self._beside = beside
        self._tasks = tasks
        self._opened = opened
        self._failed = failed
        self._loading: dict[Path, LoadTask] = {}
        self._making: set[Path] = set()
        self._rows: dict[Path, TaskRow] = {}
        self._orders: dict[Path, dict[str, Any]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._loading)

    @property
    def at_work(self) -> bool:
        """Something is being read or made."""
        return bool(self._loading or self._making)

    def open(
        self,
        path: Path,
        *,
        repairs: tuple[str, ...] = (),
        unit: str | None = None,
        shift: tuple[float, float, float] | None = None,
        reading: Mapping[str, str] | None = None,
    ) -> None:
        """Begin to read a file; one that is being read already is not read twice. `sample:NAME` is made, not read.

        shift : what to take away from its coordinates [mm]; None for what they need, beside what is open
        reading : sign and axes of a volume (`engine.io.isosurface`), where they are known
        """
        if str(path).startswith(SAMPLE):
            self._make(path)
            return
        from engine.io.loader import LoadTask
        from engine.io.shift import Neighbour

        if path in self._loading:
            return
        beside = tuple(Neighbour(geometry.shift, geometry.diagonal) for geometry in self._beside())
        task = LoadTask(path, unit=unit, repairs=repairs, shift=shift or "auto", beside=beside)
        self._loading[path] = task
        self._orders[path] = {"repairs": repairs, "unit": unit, "shift": shift, "reading": dict(reading or {})}
        self._rows[path] = self._tasks.begin(_tr("Opening {0}").format(path.name), cancel=task.cancel)
        self._tasks.watch(task.future, partial(self._read, path), partial(self._not_read, path))
        self.changed()

    def answer(self, path: Path, parameter: str, value: str) -> None:
        """Read a volume again, as before, whose sign or axes had to be asked for."""
        order = self._orders[path]
        self.open(path, **{**order, "reading": {**order["reading"], parameter: value}})

    def warm_up(self) -> None:
        """Start the loader process, so that the first file does not wait for it."""
        from engine.io.loader import warm_up

        warm_up()

    def poll(self) -> None:
        """Tell how far the reading is."""
        for path, task in self._loading.items():
            self._rows[path].report(task.poll().fraction or None)

    def cancel_all(self) -> None:
        """Stop reading, whatever is being read."""
        for task in self._loading.values():
            task.cancel()

    def close(self) -> None:
        """End the loader process."""
        self.cancel_all()
        if "engine.io.loader" in sys.modules:
            from engine.io.loader import shut_down

            for task in self._loading.values():
                task.join(2.0)
            shut_down()

    def _make(self, path: Path) -> None:
        if path not in self._making:
            self._making.add(path)
            name = str(path).removeprefix(SAMPLE)
            self._tasks.do_apart(
                partial(_make_sample, name),
                partial(self._read, path),
                partial(self._not_read, path),
                title=_tr("Making {0}").format(name),
            )
            self.changed()

    def _read(self, path: Path, geometry: Mesh | Points | Volume) -> None:
        if not isinstance(geometry, (Mesh, Points)):
            self._surface_of(path, geometry)
            return
        self._end(path)
        self._opened(path, geometry)

    def _surface_of(self, path: Path, volume: Volume) -> None:
        """A volume is opened as the surface inside it."""
        from engine.io.isosurface import isosurface

        reading: dict[str, Any] = self._orders[path]["reading"]
        self._tasks.do(lambda: isosurface(volume, **reading), partial(self._read, path), partial(self._not_read, path))

    def _not_read(self, path: Path, error: BaseException) -> None:
        self._end(path, failed=True)
        from engine.io.loader import LoadCancelledError

        if not isinstance(error, (LoadCancelledError, TaskCancelledError)):
            self._failed(path, error)

    def _end(self, path: Path, *, failed: bool = False) -> None:
        self._loading.pop(path, None)
        self._making.discard(path)
        row = self._rows.pop(path, None)
        if row is not None:
            self._tasks.end(row, failed=failed)
        self.changed()


def _make_sample(name: str) -> Mesh | Points:
    """In a process of its own: some are simulated, and the window knows no torch."""
    inputs = importlib.import_module("engine.studies.inputs")
    made: Mesh | Points = inputs.sample_geometry(name)
    return made


def _tr(text: str) -> str:
    return QCoreApplication.translate("Opening", text)
