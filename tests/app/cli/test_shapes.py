"""Shape spaces from the command line: trained on a folder, completed from a part, walked through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trimesh

from app.cli.main import main
from engine.io.registry import write
from engine.studies.shape_family import partial_scan, vases

FEW = ["--iterations", "150", "--samples", "2000", "--width", "24", "--layers", "2", "--held-out", "0"]


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vases")
    for mesh in vases(4):
        write(mesh, folder / f"{mesh.name.replace(' ', '-')}.stl")
    return folder


def test_a_folder_becomes_a_model_that_completes_and_interpolates(
    family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[Any]
) -> None:
    model = tmp_path / "vases.safetensors"
    code, out, _ = called(capsys, "train-shapes", str(family), "-o", str(model), "--json", *FEW)
    card = json.loads(out)
    assert code == 0 and card["data"] == ["vase-01", "vase-02", "vase-03", "vase-04"] and model.is_file()

    scan = tmp_path / "scan.ply"
    write(partial_scan(vases(4)[1]), scan)
    whole = tmp_path / "whole.stl"
    few = ["--resolution", "24", "--iterations", "10", "--samples", "500"]
    code, out, _ = called(capsys, "complete", str(scan), "--model", str(model), "-o", str(whole), "--json", *few)
    assert code == 0 and json.loads(out)["study"]["study"] == "complete"
    assert trimesh.load(whole).is_watertight

    size = card["details"]["architecture"]["latent_size"]
    ends = ["--from", "vase-01", "--to", ",".join(["0"] * size)]
    walk = ["interpolate", "--model", str(model), "-o", str(tmp_path / "s.stl"), "--count", "3", "--resolution", "16"]
    code, out, _ = called(capsys, *walk, *ends, "--json")
    files = json.loads(out)["files"]
    assert code == 0 and [Path(name).name for name in files] == ["s-01.stl", "s-02.stl", "s-03.stl"]
    heights = [float(trimesh.load(name).extents[2]) for name in files]
    assert min(heights[0], heights[2]) < heights[1] < max(heights[0], heights[2])
    code, _, err = called(capsys, *walk, "--from", "vase-01", "--to", ",".join(["0"] * (size + 1)))
    assert code == 2 and f"{size} finite numbers" in err
    code, _, err = called(capsys, *walk)
    assert code == 2 and "vase-03" in err  # what there is to choose from

    code, out, _ = called(capsys, "interpolate", "--model", str(model))
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == card["data"]
    code, out, _ = called(capsys, "interpolate", "--model", str(model), "--json")
    assert code == 0 and {len(numbers) for numbers in json.loads(out)["shapes"].values()} == {size}
    code, _, err = called(capsys, "interpolate", "--model", str(model), "--from", "vase-01", "--to", "vase-02")
    assert code == 2 and "--output" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train-shapes", "nowhere", "-o", "m.safetensors"], "no such folder"),
        (["train-shapes", ".", "-o", "m.stl"], "ends in .safetensors"),
        (["complete", "sample:vase", "--model", "none.safetensors", "-o", "v.stl"], "none.safetensors"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = called(capsys, *words)
    assert code == 2 and said in err and "Traceback" not in err
