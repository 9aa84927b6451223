"""A motion as the writers want it: bodies with fixed triangles, and frames that are loaded one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.core.errors import ParameterError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.protocol.scene import Gripper, Obstacle, PlaneShape, Scene, Sheet, Solid

BODY_COLOURS = ("#7a9cc6", "#d6a25e", "#7fae8a", "#b48ab8", "#c57f6f", "#a3a16b", "#6fb1b5", "#a7adb5")
"""Of bodies that have no colour of their own, in their order: on the screen and in files."""

GROUND_COLOUR = "#cdd0d2"
"""Of planes: what lies on them is what one looks at."""

FIRST_COLOURS: dict[type, int] = {Sheet: 0, Obstacle: 1, Solid: 3, Gripper: 5}
"""Of the first body of each kind."""


def body_colour(index: int) -> str:
    """The colour ("#rrggbb") of the body with this number."""
    return BODY_COLOURS[index % len(BODY_COLOURS)]


def scene_colours(scene: Scene) -> dict[str, str]:
    """Colours ("#rrggbb") of a scene's bodies by name: each by its place among those of its kind, so that another body
    changes none."""
    colours, counts = {}, Counter[type]()
    for body in scene.bodies():
        is_ground = isinstance(body, Obstacle) and isinstance(body.shape, PlaneShape)
        index = FIRST_COLOURS[type(body)] + 2 * counts[type(body)]
        colours[body.name] = GROUND_COLOUR if is_ground else body_colour(index)
        counts[type(body)] += 1
    return colours


@dataclass(frozen=True)
class MotionBody:
    """One body: which of all vertices are its own, its triangles by the numbers of all, its colour ("#rrggbb")."""

    name: str
    vertices: slice
    triangles: np.ndarray
    colour: str = "#c9ccd0"

    @property
    def own_triangles(self) -> np.ndarray:
        """Triangles by the numbers of its own vertices, shape (k, 3), int64."""
        return np.asarray(self.triangles, np.int64) - self.vertices.start


@dataclass(frozen=True)
class MotionFrame:
    """One moment.

    time : [s]; positions : [m], shape (vertex_count, 3), float64
    fields : values on the vertices by name, shape (vertex_count,)
    numbers : by name with the unit in brackets ("bending [J]")
    """

    time: float
    positions: np.ndarray
    fields: Mapping[str, np.ndarray] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Motion:
    """Frames of the same bodies, in the order of time. `load` gives a frame by its number in `numbers`."""

    name: str
    bodies: tuple[MotionBody, ...]
    numbers: Sequence[int]
    load: Callable[[int], MotionFrame]

    def __post_init__(self) -> None:
        if not self.numbers:
            raise ParameterError("frames", "there are none to write.", remedy="Choose a longer range.")

    def __len__(self) -> int:
        return len(self.numbers)

    def frame(self, index: int) -> MotionFrame:
        return self.load(self.numbers[index])

    def part(self, first: int = 0, last: int | None = None, every: int = 1) -> Motion:
        """Frames `first` to `last` (with it; None: to the end), and of these every so many. Raises `ParameterError`."""
        end = len(self) if last is None else min(last + 1, len(self))
        if every < 1 or first < 0:
            raise ParameterError("frames", "the first is 0 at least, and every so many is 1 at least.")
        return replace(self, numbers=list(self.numbers)[first:end:every])

    def only(self, bodies: Iterable[str]) -> Motion:
        """Without all other bodies. Raises `ParameterError` for a name that is none."""
        wanted = list(bodies)
        known = [body.name for body in self.bodies]
        for name in wanted:
            if name not in known:
                raise ParameterError(name, "there is no such body.", remedy=f"There are {', '.join(known)}.")
        return replace(self, bodies=tuple(body for body in self.bodies if body.name in wanted))

    def mesh(self, index: int) -> Mesh:
        """A frame as one mesh [mm] of all its bodies, with its values and the number of the body on the vertices."""
        frame = self.frame(index)
        chosen = np.concatenate([np.arange(body.vertices.start, body.vertices.stop) for body in self.bodies])
        starts = np.cumsum([0, *(body.vertices.stop - body.vertices.start for body in self.bodies)])
        owner = np.repeat(np.arange(len(self.bodies), dtype=np.int32), np.diff(starts))
        triangles = [body.own_triangles + start for body, start in zip(self.bodies, starts[:-1], strict=True)]
        fields = {name: Field(name, np.asarray(values)[chosen]) for name, values in frame.fields.items()}
        fields["body"] = Field("body", owner)
        return Mesh(1000.0 * frame.positions[chosen], np.concatenate(triangles), fields, name=self.name)
