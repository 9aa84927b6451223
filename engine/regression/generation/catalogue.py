"""The generators that there are."""

from __future__ import annotations

from engine.core.errors import ParameterError
from engine.regression.generation.aerofoil import UNITS as AEROFOIL_UNITS
from engine.regression.generation.aerofoil import aerofoil, solve_aerofoil
from engine.regression.generation.generate import Generator
from engine.regression.generation.heat_sink import UNITS as HEAT_SINK_UNITS
from engine.regression.generation.heat_sink import heat_sink, solve_heat_sink
from engine.regression.generation.notched_plate import UNITS, notched_plate, solve_plate

GENERATORS: dict[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator(
            "notched-plate",
            "Notched plates",
            "Plates with two free-form flanks that are pulled: displacement, stress and plastic strain.",
            notched_plate,
            {
                "family": ("free-form", "wedge", "ellipse"),
                "law": ("elastoplastic", "elastic"),
                "mesh": ("usual", "coarse"),
            },
            UNITS,
            solve_plate,
        ),
        Generator(
            "aerofoil",
            "Aerofoils",
            "Free-form aerofoils at an angle in inviscid flow: velocity, pressure, lift and moment.",
            aerofoil,
            units=AEROFOIL_UNITS,
            solve=solve_aerofoil,
        ),
        Generator(
            "heat-sink",
            "Heat sinks",
            "Four free-form fins on a heated base in moving air: temperature and heat flux.",
            heat_sink,
            units=HEAT_SINK_UNITS,
            solve=solve_heat_sink,
        ),
    )
}


def find_generator(name: str) -> Generator:
    """The generator called `name`; raises `ParameterError`."""
    if name not in GENERATORS:
        raise ParameterError(name, "there is no such generator.", remedy=f"There are {', '.join(GENERATORS)}.")
    return GENERATORS[name]
