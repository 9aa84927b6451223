"""A Scene: what is simulated, as data. Bodies, what holds and moves them, contact, time. SI units throughout.

In a file, numbers are SI, and texts may carry a unit ("0.3 mm", "10 MPa"). Bodies are called by their names, which are
all different. Shapes stand in their own coordinates until their placement puts them into the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.core.quantities import (
    AccelerationVector,
    DegreeVector,
    Density,
    Metres,
    MetreVector,
    Pascals,
    Radians,
    Seconds,
    Speed,
    VelocityVector,
    quantity,
)
from engine.protocol.shell_materials import ShellMaterial, preset


def _above_zero(size: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(size) <= 0.0:
        raise ValueError("every side must be above 0")
    return size


# Shapes ------------------------------------------------------------------------------------------------------------


class RectangleShape(ParameterModel):
    """A flat sheet in the plane z = 0, centred on the origin, normals along z."""

    kind: Literal["rectangle"] = "rectangle"
    width: Metres = parameter(0.2, title="Width", help="Along x.", unit="m", gt=0.0)
    height: Metres = parameter(0.2, title="Height", help="Along y.", unit="m", gt=0.0)
    columns: int = parameter(20, title="Columns", help="Cells along x.", ge=1, le=1000)
    rows: int = parameter(20, title="Rows", help="Cells along y.", ge=1, le=1000)
    pattern: Literal["regular", "random"] = parameter(
        "regular", title="Pattern", help="A grid of cut rectangles, or a triangulation without any direction."
    )
    seed: int = parameter(0, title="Seed", help="Of the random pattern.", ge=0, advanced=True)


class DiskShape(ParameterModel):
    """A flat round sheet in the plane z = 0, centred on the origin."""

    kind: Literal["disk"] = "disk"
    radius: Metres = parameter(0.1, title="Radius", help="Of the sheet.", unit="m", gt=0.0)
    spacing: Metres = parameter(0.01, title="Spacing", help="Length of triangles' sides, about.", unit="m", gt=0.0)


class OutlineShape(ParameterModel):
    """A flat sheet within a drawn polygon in the plane z = 0."""

    kind: Literal["outline"] = "outline"
    points: Annotated[list[tuple[float, float]], quantity("m")] = Field(min_length=3)
    spacing: Metres = parameter(0.01, title="Spacing", help="Length of triangles' sides, about.", unit="m", gt=0.0)


class MeshShape(ParameterModel):
    """A mesh that is opened: `input` is its name among the Scene's (or the Study's) inputs. The file may hold
    tetrahedra (`.vtu`, `.msh`), which a solid takes as they are."""

    kind: Literal["mesh"] = "mesh"
    input: str = Field(min_length=1)


class BoxShape(ParameterModel):
    """A box about the origin."""

    kind: Literal["box"] = "box"
    size: MetreVector = parameter((0.1, 0.1, 0.1), title="Size", help="Along x, y and z.", unit="m")
    cells: int = parameter(4, title="Cells", help="Along the longest side, of a soft body.", ge=1, le=100)

    _positive = field_validator("size")(_above_zero)


class BallShape(ParameterModel):
    """A ball about the origin."""

    kind: Literal["ball"] = "ball"
    radius: Metres = parameter(0.05, title="Radius", help="Of the ball.", unit="m", gt=0.0)
    cells: int = parameter(6, title="Cells", help="Across its diameter.", ge=2, le=100)


class CylinderShape(ParameterModel):
    """A cylinder along z about the origin."""

    kind: Literal["cylinder"] = "cylinder"
    radius: Metres = parameter(0.05, title="Radius", help="Of the cylinder.", unit="m", gt=0.0)
    height: Metres = parameter(0.1, title="Height", help="Along z.", unit="m", gt=0.0)
    cells: int = parameter(6, title="Cells", help="Across its diameter.", ge=2, le=100)


class PlaneShape(ParameterModel):
    """A square of ground in the plane z = 0 about the origin."""

    kind: Literal["plane"] = "plane"
    size: Metres = parameter(1.0, title="Size", help="Length of its sides.", unit="m", gt=0.0)


SheetShape = Annotated[RectangleShape | DiskShape | OutlineShape | MeshShape, Field(discriminator="kind")]
SolidShape = Annotated[BoxShape | BallShape | CylinderShape | MeshShape, Field(discriminator="kind")]
ObstacleShape = Annotated[PlaneShape | BoxShape | BallShape | CylinderShape | MeshShape, Field(discriminator="kind")]


class Pose(ParameterModel):
    """x ↦ R(s·x) + t.

    translation : t [m]
    rotation : degrees about the fixed x axis, then y, then z
    scale : s, above 0
    """

    translation: MetreVector = parameter(
        (0.0, 0.0, 0.0), title="Position", help="Where its origin stands in the world.", unit="m"
    )
    rotation: DegreeVector = parameter(
        (0.0, 0.0, 0.0), title="Rotation", help="About the fixed x axis, then y, then z.", unit="°"
    )
    scale: float = parameter(1.0, title="Scale", help="Factor on its size, about its origin.", gt=0.0)


# Where, and how it moves -------------------------------------------------------------------------------------------


class Region(ParameterModel):
    """Some vertices of a body at the start.

    kind : "all"; "border" (of an open sheet); "side" (of a rectangle, before its placement: left and right are low and
        high x, bottom and top low and high y); "corner" ("bottom-left", ...); "box" or "ball" in the world;
        "vertices" (by number)
    """

    kind: Literal["all", "border", "side", "corner", "box", "ball", "vertices"] = parameter(
        "all", title="Region", help="All of it, its border, a side or a corner of a rectangle, what lies in a box or a "
        "ball, or painted vertices.",
    )  # fmt: skip
    side: Literal["", "left", "right", "bottom", "top"] = parameter(
        "", title="Side", help="Of a rectangle before its placement: left is low x, bottom low y."
    )
    corner: Literal["", "bottom-left", "bottom-right", "top-left", "top-right"] = parameter(
        "", title="Corner", help="Of a rectangle before its placement."
    )
    low: MetreVector = parameter((0.0, 0.0, 0.0), title="From", help="Lowest corner of the box.", unit="m")
    high: MetreVector = parameter((0.0, 0.0, 0.0), title="To", help="Highest corner of the box.", unit="m")
    centre: MetreVector = parameter((0.0, 0.0, 0.0), title="Centre", help="Of the ball.", unit="m")
    radius: Metres = parameter(0.0, title="Radius", help="Of the ball.", unit="m", ge=0.0)
    vertices: list[int] = Field(default_factory=list)


class Keyframe(ParameterModel):
    """Where something is at a time, relative to where it stands.

    time : [s]
    translation : [m]
    rotation : rotation vector [°] about its own origin: the direction is the axis, the length the angle
    width : between the fingers of a gripper [m]; None leaves it
    """

    time: Seconds = parameter(..., title="Time", help="Since the start.", unit="s", ge=0.0)
    translation: MetreVector = parameter(
        (0.0, 0.0, 0.0), title="Moved", help="How far from where it stands at the start.", unit="m"
    )
    rotation: DegreeVector = parameter(
        (0.0, 0.0, 0.0), title="Turned", help="About its own origin: the axis, as long as the angle.", unit="°"
    )
    width: Annotated[float | None, quantity("m")] = parameter(
        None, title="Width", help="Between the fingers. Empty: as it was.", unit="m", ge=0.0
    )


class Motion(ParameterModel):
    """Keyframes in the order of time; before the first it rests there, after the last too. None: it does not move.

    interpolation : between keyframes: straight, or with no speed at each of them
    """

    keyframes: list[Keyframe] = Field(default_factory=list)
    interpolation: Literal["linear", "smooth"] = parameter(
        "smooth", title="Between", help="Straight from keyframe to keyframe, or with no speed at each of them."
    )

    @field_validator("keyframes")
    @classmethod
    def _ordered(cls, keyframes: list[Keyframe]) -> list[Keyframe]:
        if any(a.time >= b.time for a, b in pairwise(keyframes)):
            raise ValueError("keyframes must be in the order of time, no two at the same one")
        return keyframes


class Pin(ParameterModel):
    """Vertices that are held.

    name : of the pin, for sensors and designs; "" is numbered
    gripper : name of the gripper that carries them; "" holds them where they are, or moves them by `motion`
    motion : about the middle of the pinned vertices, where no gripper carries them
    """

    name: str = ""
    region: Region = Region()
    gripper: str = ""
    motion: Motion = Field(default_factory=Motion)


class Crease(ParameterModel):
    """A line along which a sheet folds, snapped to the edges of its triangles.

    name : of the crease, for designs; "" is numbered
    line : points in the world at the start [m]
    vertices : the path by vertices, instead of `line`
    angle : to which it is folded at rest [rad], positive where the normals point apart
    stiffness : factor on the bending stiffness along it
    yield_angle, hardening : instead of the material's; None leaves the material's
    """

    name: str = ""
    line: Annotated[list[tuple[float, float, float]], quantity("m")] = Field(default_factory=list)
    vertices: list[int] = Field(default_factory=list)
    angle: Radians = parameter(
        0.0, title="Angle", help="To which it is folded at rest; positive where the normals point apart.", unit="rad"
    )
    stiffness: float = parameter(1.0, title="Stiffness", help="Factor on the bending stiffness along it.", gt=0.0)
    yield_angle: Annotated[float | None, quantity("rad")] = parameter(
        None, title="Yield angle", help="A fold springs back by this angle, and keeps the rest. Empty: the material's.",
        unit="rad", ge=0.0,
    )  # fmt: skip
    hardening: float | None = parameter(
        None, title="Hardening", help="Growth of the yield angle over the angle that stays. Empty: the material's.",
        ge=0.0,
    )  # fmt: skip


# Bodies ------------------------------------------------------------------------------------------------------------


class Sheet(ParameterModel):
    """A thin shell.

    material : a preset's name, or a table with `preset` and what differs from it
    preset : from which the material was made; "" for none
    rest : the shape without stress: flat triangles with the mesh's lengths and angles of 0, the mesh as it is, or bent
        by `curvature` (κ11, κ22, κ12) [1/m] along and across `direction`
    direction : of the weave, in the sheet's own coordinates
    bending : "midedge" (right on any mesh) or the fast "hinges"
    """

    name: str = Field(min_length=1)
    shape: SheetShape = Field(default_factory=RectangleShape)
    pose: Pose = Pose()
    preset: str = "cotton"
    material: ShellMaterial = Field(default_factory=lambda: preset("cotton").material)
    rest: Literal["flat", "mesh", "curved"] = parameter(
        "mesh", title="Rest shape", help="The shape without stress: flat, the mesh as it is, or bent by the curvature."
    )
    curvature: tuple[float, float, float] = parameter(
        (0.0, 0.0, 0.0), title="Curvature", unit="1/m", advanced=True,
        help="Of a curved rest shape: along the weave, across it, and the twist between them.",
    )  # fmt: skip
    direction: tuple[float, float, float] = parameter(
        (1.0, 0.0, 0.0), title="Weave", help="Direction of the warp, in the sheet's own coordinates.", advanced=True
    )
    bending: Literal["midedge", "hinges"] = parameter(
        "midedge", title="Bending", help="Midedge is right on any mesh; hinges are faster, and right on none.",
        advanced=True,
    )  # fmt: skip
    velocity: VelocityVector = parameter(
        (0.0, 0.0, 0.0), title="Velocity", help="Of all of it at the start.", unit="m/s", advanced=True
    )
    pins: list[Pin] = Field(default_factory=list)
    creases: list[Crease] = Field(default_factory=list)
    visible: bool = True

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: Any) -> Any:
        """Lets `material` be a preset's name, or a table on top of `preset`."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        given = values.get("material")
        if isinstance(given, str):
            values["preset"], given = given, {}
        if given is None:
            given = {}
        if isinstance(given, dict):
            name = values.get("preset", "cotton" if "material" not in values else "")
            if not isinstance(name, str):
                raise ValueError("preset: it is called by its name, a text")
            try:
                base = preset(name).material.model_dump() if name else {}
            except ParameterError as error:
                raise ValueError(str(error)) from None
            values["material"] = base | given
        return values


class SolidMaterial(ParameterModel):
    """Stable Neo-Hookean constants of a soft body."""

    young: Pascals = parameter(
        1e5, title="Young's modulus", help="Stiffness when pulled.", unit="Pa", gt=0.0, soft_min=1e3, soft_max=1e9,
        logarithmic=True, live=True,
    )  # fmt: skip
    poisson: float = parameter(
        0.3, title="Poisson's ratio", help="Contraction across over extension along.", ge=0.0, le=0.499, soft_max=0.49,
        live=True,
    )  # fmt: skip
    density: Density = parameter(
        1000.0, title="Density", help="Mass over volume.", unit="kg/m³", gt=0.0, soft_min=10.0, soft_max=1e4,
        logarithmic=True,
    )  # fmt: skip


class Solid(ParameterModel):
    """A soft body of tetrahedra. A mesh shape whose file holds tetrahedra brings them; any other is closed, and filled
    with them."""

    name: str = Field(min_length=1)
    shape: SolidShape = Field(default_factory=BallShape)
    pose: Pose = Pose()
    material: SolidMaterial = Field(default_factory=SolidMaterial)
    velocity: VelocityVector = parameter(
        (0.0, 0.0, 0.0), title="Velocity", help="Of all of it at the start.", unit="m/s", advanced=True
    )
    pins: list[Pin] = Field(default_factory=list)
    visible: bool = True


class Obstacle(ParameterModel):
    """A rigid body that stands or moves as it is told. A plane is one-sided ground, whatever is above it stays so."""

    name: str = Field(min_length=1)
    shape: ObstacleShape = Field(default_factory=BallShape)
    pose: Pose = Pose()
    motion: Motion = Field(default_factory=Motion)
    visible: bool = True


class Gripper(ParameterModel):
    """Two rigid fingers that move as they are told: six degrees of freedom and the width between them.

    pose : of the middle between the fingers, which close along its x and reach along −z
    width : between the fingers at the start [m]
    finger : size of each [m]; no fingers where `fingers` is off: then it only carries what is pinned to it
    """

    name: str = Field(min_length=1)
    pose: Pose = Pose()
    width: Metres = parameter(0.02, title="Width", help="Between the fingers at the start.", unit="m", ge=0.0)
    fingers: bool = parameter(True, title="Fingers", help="Off: it carries what is pinned to it, and touches nothing.")
    finger: MetreVector = parameter((0.008, 0.016, 0.03), title="Finger", help="Size of each finger.", unit="m")
    motion: Motion = Field(default_factory=Motion)
    visible: bool = True

    _positive = field_validator("finger")(_above_zero)


# The whole ---------------------------------------------------------------------------------------------------------


class Contact(ParameterModel):
    """How bodies keep apart."""

    mode: Literal["barrier", "penalty", "none"] = parameter(
        "barrier",
        title="Contact",
        help="A barrier lets nothing through. A penalty is softer: surfaces sink in by their load over the stiffness, "
        "and pass no further than half of the gap. None for what touches nothing.",
    )
    gap: Metres = parameter(
        1e-3, title="Gap", help="Distance below which surfaces push each other away.", unit="m", gt=0.0,
        soft_min=1e-4, soft_max=1e-2, logarithmic=True,
    )  # fmt: skip
    stiffness: Annotated[float, quantity("N/m")] = parameter(
        0.0, title="Stiffness", help="Of barrier or penalty [N/m]; 0 chooses one by the masses and the step.",
        unit="N/m", ge=0.0, advanced=True,
    )  # fmt: skip
    friction: float = parameter(
        0.3,
        title="Friction",
        help="Coulomb's coefficient, where no pair says another.",
        ge=0.0,
        soft_max=2.0,
        live=True,
    )
    friction_speed: Speed = parameter(
        1e-2, title="Sticking speed", help="Sliding more slowly counts as sticking: the smoothing of friction.",
        unit="m/s", gt=0.0, logarithmic=True, advanced=True,
    )  # fmt: skip


class FrictionPair(ParameterModel):
    """Friction between two bodies (or a body and itself), by name."""

    between: tuple[str, str]
    coefficient: float = Field(ge=0.0)


class Sensor(ParameterModel):
    """Something that is recorded at every step.

    kind : "reaction" force on what holds a body's pins, or on an obstacle or gripper [N]; "contact" force on a body
        from all others [N]; "energy" by kind [J]; "vertices": positions and velocities of a region
    body : whose
    pin : of the body; "" are all
    count : of sampled vertices, spread evenly over the region; 0 are all
    """

    name: str = Field(min_length=1)
    kind: Literal["reaction", "contact", "energy", "vertices"] = parameter(
        "reaction", title="What",
        help="The force that holds a body's pins, an obstacle or a gripper; the force of all others on a body; the "
        "energies by kind; or positions and velocities of vertices.",
    )  # fmt: skip
    body: str = parameter("", title="Body", help="Whose.")
    pin: str = parameter("", title="Pin", help="Of the body; empty are all of them.")
    region: Region = Region()
    count: int = parameter(0, title="Vertices", help="How many, spread evenly over the region; 0 are all.", ge=0)


class Time(ParameterModel):
    """Steps of the simulation."""

    step: Seconds = parameter(
        5e-3, title="Time step", help="Smaller steps follow fast motion better.", unit="s", ge=1e-9, le=1.0,
        soft_min=1e-4, soft_max=2e-2, logarithmic=True,
    )  # fmt: skip
    duration: Seconds = parameter(1.0, title="Duration", help="How long is simulated.", unit="s", gt=0.0, live=True)
    scheme: Literal["implicit-euler", "bdf2", "implicit-midpoint", "quasi-static"] = parameter(
        "implicit-euler",
        title="Time stepping",
        help="Implicit Euler damps strongly; BDF2 less; the midpoint rule not at all. Quasi-static: every step is an "
        "equilibrium.",
    )
    divide: int = parameter(
        8, title="Parts of a step", ge=1, le=1024, soft_max=64, logarithmic=True, live=True, advanced=True,
        help="A step that would lead through something, or finds no end, is taken in 2, 4, 8 … parts, at most so many. "
        "1 never divides it.",
    )  # fmt: skip
    tolerance: float = parameter(
        1e-8, title="Tolerance", help="Residual over the size of the forces at which a step ends.", gt=0.0, le=1e-2,
        logarithmic=True, advanced=True,
    )  # fmt: skip

    @property
    def steps(self) -> int:
        """Number of steps, at least one."""
        return max(1, round(self.duration / self.step))


class Scene(ParameterModel):
    """All that is simulated.

    inputs, units : files of mesh shapes by name, and their length units, in a scene's file. Within a Study they are
        empty: the Study's inputs are meant.
    """

    format: Literal[1] = 1
    name: str = ""
    inputs: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    gravity: AccelerationVector = parameter(
        (0.0, 0.0, -9.81), title="Gravity", help="Acceleration of what falls.", unit="m/s²", live=True
    )
    time: Time = Field(default_factory=Time)
    contact: Contact = Field(default_factory=Contact)
    friction: list[FrictionPair] = Field(default_factory=list)
    sheets: list[Sheet] = Field(default_factory=list)
    solids: list[Solid] = Field(default_factory=list)
    obstacles: list[Obstacle] = Field(default_factory=list)
    grippers: list[Gripper] = Field(default_factory=list)
    sensors: list[Sensor] = Field(default_factory=list)

    def bodies(self) -> Iterator[Sheet | Solid | Obstacle | Gripper]:
        yield from self.sheets
        yield from self.solids
        yield from self.obstacles
        yield from self.grippers

    def body(self, name: str) -> Sheet | Solid | Obstacle | Gripper:
        """Raises `ParameterError` where there is none of that name."""
        for found in self.bodies():
            if found.name == name:
                return found
        known = ", ".join(found.name for found in self.bodies()) or "none"
        raise ParameterError(name, "the scene has no such body.", remedy=f"It has {known}.")

    def mesh_inputs(self) -> list[str]:
        """Names of the inputs that shapes want."""
        shapes = [body.shape for body in self.bodies() if not isinstance(body, Gripper)]
        return list(dict.fromkeys(shape.input for shape in shapes if isinstance(shape, MeshShape)))

    @model_validator(mode="after")
    def _consistent(self) -> Scene:
        names = Counter(body.name for body in self.bodies())
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"two bodies are called {twice[0]!r}")
        grippers = {gripper.name for gripper in self.grippers}
        deformable: list[Sheet | Solid] = [*self.sheets, *self.solids]
        for body in deformable:
            for pin in body.pins:
                if pin.gripper and pin.gripper not in grippers:
                    raise ValueError(f"a pin of {body.name!r} wants a gripper {pin.gripper!r}, which there is not")
        for pair in self.friction:
            for name in pair.between:
                if name not in names:
                    raise ValueError(f"friction is given for a body {name!r}, which there is not")
        for sensor in self.sensors:
            if sensor.body and sensor.body not in names:
                raise ValueError(f"the sensor {sensor.name!r} looks at a body {sensor.body!r}, which there is not")
        return self
