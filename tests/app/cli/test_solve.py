"""`formwright run` of a study on a Model, `solve` of what it led to, and the data with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import pyvista

from app.cli.main import main
from engine.regression.data.dataset import Dataset
from engine.regression.data.flat_file import read_flat, write_flat
from engine.regression.data.reading import write_fields
from engine.regression.generation import catalogue
from engine.regression.generation.generate import Generator
from engine.regression.generation.known_plates import known_plate, solve_known

STUDY = """
study = "predict"

[inputs]
model = "plates.safetensors"
mesh = "start.vtu"

[parameters]
iterations = 30

[parameters.inputs]
load = 1.5

[optimizer]
learning_rate = 0.05

[[terms]]
kind = "predicted-scalar"
name = "stronger"
[terms.parameters]
scalar = "strength"
aim = "raise"
bound = "lower"

[[terms]]
kind = "trust-region"
name = "trust-region"
weight = 10.0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = Generator("known-plate", "Known plates", "", known_plate, solve=solve_known)
    monkeypatch.setitem(catalogue.GENERATORS, "known-plate", known)
    samples = tuple(known_plate(index) for index in range(40))
    recipe = {"generator": "known-plate", "options": {}}
    write_flat(Dataset(samples, units={"length": "mm", "strength": "kN"}, recipe=recipe), tmp_path / "plates.npz")
    start = known_plate(200)
    anchor = np.zeros(start.node_count)
    anchor[start.anchors] = [1, 2, 3, 4]
    write_fields(tmp_path / "start.vtu", start, {"anchor": anchor})
    (tmp_path / "study.toml").write_text(STUDY)
    options = ("--shape-modes", 8, "--field-modes", 6, "--folds", 4, "--quiet")
    assert run("train", tmp_path / "plates.npz", "-o", tmp_path / "plates.safetensors", *options) == 0
    return tmp_path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_from_a_study_to_the_truth_and_into_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", folder / "study.toml", "-o", folder / "better.vtp", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    before = known_plate(200).outputs["narrowest"] / 1.5
    assert report["quality"]["predicted"]["strength"][0] > before
    assert report["losses"]["term:stronger"] < -2.0
    better = pyvista.read(folder / "better.vtp").point_data
    assert {"anchor", "stress", "stress band"} <= set(better.keys())
    words = ("solve", folder / "plates.safetensors", folder / "better.vtp", "-o", folder / "truth.vtu")
    given = ("--input", "load=1.5", "--add", folder / "plates.npz")
    assert run(*words, *given, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    strength = said["scalars"]["strength"]
    assert strength["mean"] == pytest.approx(report["quality"]["predicted"]["strength"][0], rel=0.01)
    assert strength["inside"] == (abs(strength["mean"] - strength["true"]) <= strength["band"])
    assert strength["true"] > before
    assert said["added"] == "verified 1"
    assert read_flat(folder / "plates.npz").samples[-1].outputs["strength"] == pytest.approx(strength["true"])
    truth = pyvista.read(folder / "truth.vtu").point_data
    assert {"stress", "stress predicted", "stress band"} <= set(truth.keys())


def test_what_it_says_to_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("solve", folder / "plates.safetensors", folder / "plates.npz", "--sample", 3, "-o", folder / "out.vtu")
    assert run(*words) == 0
    said = capsys.readouterr()
    assert "strength: true" in said.out and "the band)" in said.out
    assert run("solve", folder / "plates.safetensors", folder / "start.vtu", "-o", folder / "out.vtu") == 2
    assert "load: the model needs this scalar" in capsys.readouterr().err
    catalogue.GENERATORS.pop("known-plate")
    assert run(*words) == 2
    assert "come from no solver of ours" in capsys.readouterr().err
