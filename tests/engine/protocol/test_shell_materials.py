from __future__ import annotations

import pytest

from engine.core.errors import ParameterError
from engine.protocol.shell_materials import PRESETS, ShellMaterial, preset
from engine.simulation.shell.verification import small_strain


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_what_they_say(name: str) -> None:
    result = small_strain(material=name)
    assert result.passed, result.detail
    assert preset(name).source and preset(name).title


def test_bending_and_weight_are_of_the_right_order() -> None:
    """Office paper weighs 80 g/m² and bends with some 0.3 mN m; shirting with some 5 µN m."""
    paper, cotton = preset("paper").material, preset("cotton").material
    assert paper.density * paper.thickness == pytest.approx(0.08)
    assert 1e-4 < paper.bending_stiffness < 1e-3
    assert 2e-6 < cotton.bending_stiffness < 2e-5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"thickness": 0.0}, "material.thickness"),
        ({"young": -1.0}, "material.young"),
        ({"poisson": 0.6}, "material.poisson"),
        ({"density": float("nan")}, "material.density"),
        ({"stifness": 1.0}, "there is no such parameter"),
        ({"woven": True, "law": "stable-neo-hookean"}, "no weave"),
        ({"woven": True, "young": 1.0, "young_cross": 100.0}, "too large for these moduli"),
    ],
)
def test_impossible_materials_are_refused(values: dict[str, float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        ShellMaterial.parse(values, owner="material")


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="aluminium-foil"):
        preset("unobtainium")
