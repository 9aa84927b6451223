"""The errors a person may see. Each names what is wrong and says what to do."""

from __future__ import annotations

from pathlib import Path


class FormwrightError(Exception):
    """An error to show to the user: one plain sentence, and what to do about it.

    Parameters
    ----------
    message : what happened, naming the offending file, field or parameter
    remedy : what the user can do, a sentence; may be empty
    repairs : names of repairs the program can offer (see `engine.geometry.repair`)
    """

    def __init__(self, message: str, *, remedy: str = "", repairs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.repairs = repairs

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(kind: type[FormwrightError], state: dict[str, object]) -> FormwrightError:
    error = kind.__new__(kind)
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    return error


class FileError(FormwrightError):
    """A file cannot be read or written; `path` names it."""

    def __init__(self, path: str | Path, message: str, *, remedy: str = "", repairs: tuple[str, ...] = ()) -> None:
        super().__init__(f"{Path(path).name}: {message}", remedy=remedy, repairs=repairs)
        self.path = Path(path)


class ParameterError(FormwrightError):
    """A parameter, Term or Study is not as declared; `parameter` names it."""

    def __init__(self, parameter: str, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{parameter}: {message}", remedy=remedy)
        self.parameter = parameter


class QuestionError(ParameterError):
    """What was given can be read in more than one way, and only a person knows which; `parameter` takes the answer.

    question : what is not known, without the parameter's name
    readings : value of the parameter -> what it would mean, a sentence
    """

    def __init__(self, parameter: str, message: str, readings: dict[str, str]) -> None:
        choices = "; ".join(f"{parameter} = {value}: {meaning}" for value, meaning in readings.items())
        super().__init__(parameter, message, remedy=f"Say which it is. {choices}")
        self.question = message
        self.readings = readings


class GeometryError(FormwrightError):
    """A Geometry cannot serve for what was asked of it; `place` names vertices of it for the viewport to show."""

    def __init__(
        self, message: str, *, place: tuple[int, ...] = (), remedy: str = "", repairs: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, remedy=remedy, repairs=repairs)
        self.place = place


class NonFiniteError(FormwrightError):
    """A value or gradient became NaN or infinite; `source` names the Term or quantity, `iteration` when."""

    def __init__(self, source: str, iteration: int, message: str = "") -> None:
        super().__init__(message or f"{source} became non-finite at iteration {iteration}.")
        self.source = source
        self.iteration = iteration


class MemoryLimitError(FormwrightError):
    """What was asked for does not fit into memory; the remedy says what would."""


class DeviceError(FormwrightError):
    """A compute device is missing or failed."""


class NotDifferentiableError(FormwrightError):
    """A gradient was asked of a path that has none."""


class WithdrawnError(FormwrightError):
    """Nobody wants the answer to a question any more: it was given up."""


class StoppedError(FormwrightError):
    """The user stopped a task before it was done."""


class EngineStoppedError(FormwrightError):
    """The engine process ended while the window lives."""
