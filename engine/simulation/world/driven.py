"""Where what is driven is, as numbers of a frame: of grippers without fingers and pins that move, which have no surface
that would show it."""

from __future__ import annotations

from collections.abc import Collection

from engine.protocol.scene import Scene, Sheet, Solid
from engine.protocol.scene_names import pin_name
from engine.simulation.world.pins import Holding

NUMBERS = ("x [m]", "y [m]", "z [m]", "rotation x [rad]", "rotation y [rad]", "rotation z [rad]")
"""Of a pose, from where it stands at the start: translation and rotation vector."""


def driven_movers(scene: Scene, movers: Collection[str]) -> tuple[str, ...]:
    """Those of `movers` ("hand", "cloth/left") that have keyframes and no surface of their own."""
    hands = [item.name for item in scene.grippers if not item.fingers and item.motion.keyframes]
    pins = [
        f"{item.name}/{pin_name(item.pins, number)}"
        for item in scene.bodies()
        if isinstance(item, Sheet | Solid)
        for number, pin in enumerate(item.pins)
        if not pin.gripper and pin.motion.keyframes
    ]
    return tuple(name for name in (*hands, *pins) if name in movers)


def driven_names(scene: Scene, holding: Holding) -> tuple[str, ...]:
    """ "hand x [m]", "cloth/left rotation z [rad]", ..."""
    return tuple(f"{mover} {number}" for mover in driven_movers(scene, holding.movers) for number in NUMBERS)


def driven_values(scene: Scene, holding: Holding, time: float) -> dict[str, float]:
    """At `time` [s], by name."""
    movers = driven_movers(scene, holding.movers)
    poses = holding.poses_at(time) if movers else {}
    values = [float(value) for mover in movers for value in poses[mover][: len(NUMBERS)]]
    return dict(zip(driven_names(scene, holding), values, strict=True))
