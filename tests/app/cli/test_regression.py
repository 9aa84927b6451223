"""`formwright dataset`, `train`, `card`, `predict` and `select`, as a person would use them one after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvista

from app.cli.main import main
from engine.regression.data.dataset import Dataset
from engine.regression.data.flat_file import write_flat
from engine.regression.data.reading import read_dataset
from engine.regression.generation.catalogue import GENERATORS
from engine.regression.generation.known_plates import known_plate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "plates.npz"
    samples = tuple(known_plate(index) for index in range(40))
    write_flat(Dataset(samples, ("train",) * 32 + ("test",) * 8, {"strength": "mm/kN"}), path)
    return path


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    path = data.parent / "plates.safetensors"
    assert run("train", data, "-o", path, "--shape-modes", 8, "--field-modes", 6, "--folds", 4, "--quiet") == 0
    return path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_the_card_says_errors_and_what_would_help(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("card", model) == 0
    said = capsys.readouterr().out
    assert "plates: 32 samples" in said and "strength [mm/kN]" in said and "would help most" in said
    assert run("card", model, "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert 0.0 < card["fields"]["stress"]["rrmse"] < 0.2
    assert set(card["fields"]["stress"]["split"]) == {"interpolation", "truncation", "regression"}


def test_curve_and_split_are_measured_and_stay_in_the_card(
    model: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("card", model, "--learning-curve", "--error-split", "--data", data) == 0
    said = capsys.readouterr().out
    assert "over the number of samples" in said and "Error from" in said
    assert run("card", model, "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert len(card["learning_curve"]["samples"]) >= 2 and set(card["error_split"]) == {"stress", "shift"}


def test_a_prediction_has_bands_and_a_flag(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.vtu"
    assert run("predict", model, data, "--sample", 35, "-o", output, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    true = known_plate(35).outputs["strength"]
    assert abs(said["scalars"]["strength"]["mean"] - true) < 0.3 * true
    fields = pyvista.read(output).point_data
    assert (fields["stress band"] > 0.0).all() and len(fields["stress"]) == known_plate(35).node_count
    assert run("predict", model, data, "--sample", 35, "-o", output, "--input", "load=50", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["new"] and "scalar" in said["reason"]
    output.unlink()
    assert run("predict", model, data, "--sample", 35, "-o", output, "--input", "laod=50") == 2
    assert "--input laod=50: the Model knows no such scalar. It knows load." in capsys.readouterr().err
    assert not output.exists()


def test_candidates_below_a_limit_are_named(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "found.csv"
    assert run("select", model, data, "--scalar", "strength", "--below", 4.5, "--fdr", 0.3, "--json", "-o", table) == 0
    said = json.loads(capsys.readouterr().out)
    truth = {f"free-form {k}": known_plate(k).outputs["strength"] for k in range(40)}
    assert said["chosen"] and sum(truth[name] >= 4.5 for name in said["chosen"]) <= 0.5 * len(said["chosen"])
    assert len(said["candidates"]) == 40 and not said["problems"]
    assert sum(",yes," in line for line in table.read_text().splitlines()) == len(said["chosen"])


def test_a_candidate_that_cannot_be_predicted_is_told_and_not_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = known_plate(3)
    torn = replace(torn, name="torn", triangles=torn.triangles[:-40:2])
    path = tmp_path / "candidates.npz"
    write_flat(Dataset((known_plate(41), torn)), path)
    assert run("select", model, path, "--scalar", "strength", "--below", 1e9, "--fdr", 0.5, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["problems"]) == ["torn"] and len(said["candidates"]) == 1
    assert run("select", model, path, "--scalar", "weight", "--below", 1.0) != 0
    assert "no scalar 'weight'" in capsys.readouterr().err


def test_a_small_data_set_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("skfem")
    folder = tmp_path / "plates"
    assert run("dataset", "notched-plate", "-o", folder, "--samples", 2, "--set", "law=elastic", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["samples"] == 2 and Path(said["file"]).exists()


@pytest.mark.parametrize("family", [pytest.param("aerofoil", marks=pytest.mark.slow), "heat-sink"])
def test_families_are_made_learnt_from_and_predicted(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if family == "heat-sink":
        pytest.importorskip("skfem")
    folder, model, output = tmp_path / family, tmp_path / "model.safetensors", tmp_path / "out.vtu"
    assert run("dataset", family, "-o", folder, "--samples", 2, "--seed", 5) == 0
    # It goes on where it stopped.
    assert run("dataset", family, "-o", folder, "--samples", 25, "--seed", 5, "--test-share", 0.1, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["samples"] == 25
    few = ("--shape-modes", 6, "--field-modes", 4, "--folds", 3, "--subset", 20)
    assert run("train", folder, "-o", model, *few, "--quiet") == 0
    assert run("predict", model, folder, "--sample", 3, "-o", output, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    truth = read_dataset(folder).samples[3]
    assert set(said["scalars"]) == set(truth.outputs)
    fields = pyvista.read(output).point_data
    for name, values in truth.fields.items():
        assert np.abs(fields[name] - values).mean() < 0.5 * np.abs(values - values.mean()).mean()


def test_help_names_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dataset", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in GENERATORS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "nothing.npz", "-o", "m.safetensors"), "nothing.npz: it does not exist"),
        (("train", "nothing.npz", "-o", "m.pkl"), "ends in .safetensors"),
        (("dataset", "moon", "-o", "x"), "no such generator"),
        (("dataset", "notched-plate", "-o", "x", "--set", "law"), "not KEY=VALUE"),
        (("card", "nothing.safetensors"), "nothing.safetensors"),
        (("card", "MODEL", "--learning-curve"), "Add --data DATA"),
    ],
)
def test_wrong_usage_is_said_plainly(
    words: tuple[str, ...],
    said: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*(model if word == "MODEL" else word for word in words)) == 2
    assert said in capsys.readouterr().err
