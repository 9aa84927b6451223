"""What sheets are made of: typed parameters in SI units, and presets with where their numbers come from.

A preset is a typical sheet of its kind. Paper, cloth and leather differ by half from product to product and with the
humidity: what matters should be measured, or identified from a recorded drape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import model_validator

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.core.quantities import Density, Metres, Pascals, Radians


class ShellMaterial(ParameterModel):
    """Elastic and plastic constants of a sheet."""

    law: Literal["st-venant-kirchhoff", "stable-neo-hookean"] = parameter(
        "st-venant-kirchhoff",
        title="Stretching law",
        help="St. Venant–Kirchhoff for what stretches little; stable Neo-Hookean for rubber. The latter has no weave.",
    )
    young: Pascals = parameter(
        1e7,
        title="Young's modulus",
        help="Stiffness when pulled; along the weave (the warp) where there is one.",
        unit="Pa",
        gt=0.0,
        soft_min=1e4,
        soft_max=1e11,
        logarithmic=True,
    )
    poisson: float = parameter(
        0.3,
        title="Poisson's ratio",
        help="Contraction across over extension along.",
        ge=-0.99,
        le=0.5,
        soft_min=0.0,
        soft_max=0.5,
    )
    woven: bool = parameter(False, title="Woven", help="Different along and across a direction of the sheet.")
    young_cross: Pascals = parameter(
        1e7,
        title="Young's modulus across",
        help="Stiffness across the direction of a woven sheet (the weft).",
        unit="Pa",
        gt=0.0,
        logarithmic=True,
        advanced=True,
    )
    shear: Pascals = parameter(
        4e6,
        title="Shear modulus",
        help="Resistance of a woven sheet to shear in its plane.",
        unit="Pa",
        gt=0.0,
        logarithmic=True,
        advanced=True,
    )
    thickness: Metres = parameter(
        3e-4,
        title="Thickness",
        help="Bending stiffness grows with its third power.",
        unit="m",
        gt=0.0,
        le=1.0,
        soft_min=1e-5,
        soft_max=1e-2,
        logarithmic=True,
    )
    density: Density = parameter(
        500.0,
        title="Density",
        help="Mass over volume; times the thickness it is the mass over area.",
        unit="kg/m³",
        gt=0.0,
        soft_min=100.0,
        soft_max=3000.0,
    )
    bending_factor: float = parameter(
        1.0,
        title="Bending factor",
        help="Bending stiffness over that of a solid plate, E h³ / 12 (1 − ν²), and what it is across a weave. Yarns "
        "slide over each other: cloth bends more easily than a plate.",
        gt=0.0,
        soft_min=0.01,
        soft_max=1.0,
        logarithmic=True,
        advanced=True,
    )
    creases: bool = parameter(False, title="Keeps creases", help="A fold beyond the yield angle stays.")
    yield_angle: Radians = parameter(
        0.5,
        title="Yield angle",
        help="A fold springs back by this angle, and keeps the rest.",
        unit="rad",
        ge=0.0,
        le=math.pi,
    )
    hardening: float = parameter(
        0.0,
        title="Hardening",
        help="Growth of the yield angle over the angle that stays: hardening modulus over stiffness.",
        ge=0.0,
        soft_max=1.0,
        advanced=True,
    )

    @model_validator(mode="after")
    def _possible(self) -> ShellMaterial:
        if self.woven and self.law == "stable-neo-hookean":
            raise ValueError("Stable Neo-Hookean has no weave: choose st-venant-kirchhoff, or not woven")
        if self.woven and self.poisson**2 * self.young_cross >= self.young:
            raise ValueError(
                "Poisson's ratio is too large for these moduli: its square must be below young / young_cross"
            )
        return self

    @property
    def bending_stiffness(self) -> float:
        """D [N m], of a woven sheet that along the weave."""
        across = self.young_cross / self.young if self.woven else 1.0
        return self.bending_factor * self.young * self.thickness**3 / (12.0 * (1.0 - self.poisson**2 * across))

    def membrane_parameters(self) -> dict[str, float]:
        """Numbers for `Membrane`, which wants its law besides, and the direction of a weave."""
        values = {"young": self.young, "poisson": self.poisson, "thickness": self.thickness}
        return values | {"young_cross": self.young_cross, "shear": self.shear} if self.woven else values

    def bending_parameters(self) -> dict[str, float]:
        """Numbers for `Bending`, which wants the direction of a weave besides; `HingeBending` knows no "shear"."""
        values = self.membrane_parameters() | {"stiffness": self.bending_factor}
        return values | {"yield_angle": self.yield_angle, "hardening": self.hardening} if self.creases else values


@dataclass(frozen=True)
class MaterialPreset:
    """A material by name. `source` says which of its numbers stand where, and which are only typical."""

    name: str
    title: str
    material: ShellMaterial
    source: str


def _paper(*, along: float, across: float, thickness: float, density: float, yield_angle: float) -> ShellMaterial:
    """Machine-made paper: shear modulus and Poisson's ratio follow from the two Young's moduli [Pa]."""
    return ShellMaterial(
        young=along,
        young_cross=across,
        woven=True,
        shear=0.387 * math.sqrt(along * across),
        poisson=0.293 * math.sqrt(along / across),
        thickness=thickness,
        density=density,
        creases=True,
        yield_angle=yield_angle,
        hardening=0.1,
    )


_PAPER_SOURCE = (
    "Shear modulus 0.387 √(E₁E₂) and Poisson's ratio 0.293 √(E₁/E₂) after G. A. Baum, D. C. Brennan, C. C. Habeger: "
    "Orthotropic elastic constants of paper, Tappi 64(8), 1981. "
)

PRESETS: Mapping[str, MaterialPreset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            MaterialPreset(
                "paper",
                "Office paper, 80 g/m²",
                _paper(along=5.5e9, across=2.8e9, thickness=1.0e-4, density=800.0, yield_angle=0.5),
                _PAPER_SOURCE + "Mass over area by definition; the moduli and the yield angle are typical.",
            ),
            MaterialPreset(
                "card",
                "Card, 250 g/m²",
                _paper(along=4.5e9, across=2.2e9, thickness=3.2e-4, density=780.0, yield_angle=0.6),
                _PAPER_SOURCE + "Mass over area by definition; the moduli and the yield angle are typical.",
            ),
            MaterialPreset(
                "cotton",
                "Cotton shirting, 130 g/m²",
                ShellMaterial(
                    young=1.0e7,
                    young_cross=6.0e6,
                    woven=True,
                    shear=1.3e5,
                    poisson=0.2,
                    thickness=3.0e-4,
                    density=433.0,
                    bending_factor=0.21,
                ),
                "Bending 5 µN m (0.05 gf cm²/cm) along the warp, shear 40 N/m and first stretching 3 kN/m: within the "
                "ranges of the Kawabata tests of woven shirting (J. Hu: Structure and mechanics of woven fabrics, "
                "2004); typical.",
            ),
            MaterialPreset(
                "silk",
                "Silk habotai, 60 g/m²",
                ShellMaterial(
                    young=2.5e7,
                    young_cross=1.8e7,
                    woven=True,
                    shear=2.1e5,
                    poisson=0.2,
                    thickness=1.2e-4,
                    density=500.0,
                    bending_factor=0.53,
                ),
                "Bending 2 µN m (0.02 gf cm²/cm) along the warp and shear 25 N/m: within the ranges of the Kawabata "
                "tests of light woven silk (J. Hu: Structure and mechanics of woven fabrics, 2004); typical.",
            ),
            MaterialPreset(
                "rubber",
                "Natural rubber sheet, 1 mm",
                ShellMaterial(law="stable-neo-hookean", young=1.5e6, poisson=0.499, thickness=1.0e-3, density=950.0),
                "Density 950 kg/m³ and shear modulus 0.5 MPa (so E = 1.5 MPa, nearly incompressible): MatWeb, natural "
                "rubber, vulcanised.",
            ),
            MaterialPreset(
                "leather",
                "Calf leather, 1.2 mm",
                ShellMaterial(young=6.0e7, poisson=0.35, thickness=1.2e-3, density=860.0, bending_factor=0.5),
                "All numbers are typical: leather differs from hide to hide and along each of them.",
            ),
            MaterialPreset(
                "aluminium-foil",
                "Aluminium foil, 16 µm",
                ShellMaterial(
                    young=6.9e10,
                    poisson=0.33,
                    thickness=1.6e-5,
                    density=2700.0,
                    creases=True,
                    yield_angle=0.1,
                    hardening=0.02,
                ),
                "Elastic constants and density of pure aluminium (ASM handbook, volume 2); 16 µm is household foil; "
                "the yield angle is typical of the annealed foil.",
            ),
        )
    }
)


def preset(name: str) -> MaterialPreset:
    """The preset called `name`; raises `ParameterError` that lists them."""
    if name not in PRESETS:
        raise ParameterError("material", f"there is no {name!r}.", remedy=f"There are {', '.join(PRESETS)}.")
    return PRESETS[name]
