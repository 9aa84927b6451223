from __future__ import annotations

from engine.protocol.live_scene import with_live
from engine.protocol.scene import Scene

SCENE = Scene.parse({"sheets": [{"name": "cloth", "material": "silk"}], "solids": [{"name": "ball"}]}, owner="scene")


def wanted(**changes: object) -> Scene:
    """The scene with another material of its sheet, and with less gravity."""
    sheets = [{"name": "cloth", **changes}]
    return Scene.parse({**SCENE.model_dump(), "sheets": sheets, "gravity": (0.0, 0.0, -1.0)}, owner="scene")


def test_a_material_of_the_same_law_is_taken_over() -> None:
    taken = with_live(SCENE, wanted(material="cotton"))
    assert taken.sheets[0].preset == "cotton"
    assert taken.sheets[0].material == wanted(material="cotton").sheets[0].material


def test_a_material_of_another_law_waits_as_a_whole_and_holds_up_nothing_else() -> None:
    taken = with_live(SCENE, wanted(material="rubber", visible=False))
    assert (taken.sheets[0].preset, taken.sheets[0].material) == ("silk", SCENE.sheets[0].material)
    assert not taken.sheets[0].visible
    assert taken.gravity == (0.0, 0.0, -1.0)
