"""What is generated of the declarations is as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from app.document.command_line import command_line
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.catalogue import catalogue


def script(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_reference_page_is_of_the_catalogue(repository: Path) -> None:
    page = (repository / "docs/guide/reference.md").read_text(encoding="utf-8")
    assert page == script(repository / "docs/reference.py").document(catalogue()), "run: python docs/reference.py"


def test_the_page_of_scene_files_is_of_the_declarations(repository: Path) -> None:
    page = (repository / "docs/guide/scene-files.md").read_text(encoding="utf-8")
    assert page == script(repository / "docs/scene_reference.py").document(), "run: python docs/scene_reference.py"


def test_benchmarks_become_a_table(repository: Path) -> None:
    report = script(repository / "benchmarks/report.py")
    slow = report.Measurement("Slow", 12.0, "ms", bar=8.0, peer="peer", ratio=1.5)
    good = report.Measurement("Good", 0.97, "", bar=0.96, more_is_better=True)
    machine = {"processor": "A processor", "processors": 2, "system": "Linux", "python": "3.11"}
    result = {"title": "Things", "machine": machine, "measurements": [vars(slow), vars(good)]}
    page = report.document([result])
    assert "| Slow | 12 ms | 8 ms | **no** | 1.50 × peer |" in page
    assert "| Good | 0.97 | at least 0.96 | yes |  |" in page


def test_the_windows_command_line_is_one_that_the_parser_takes() -> None:
    offered = catalogue()
    terms = [spec.model_copy(update={"weight": 2.0}) for spec in offered.studies[0].default_terms]
    study = Study(
        inputs={"target": "scan.ply"},
        parameters={"resolution": 24, "start": "sphere", "closed": False},
        optimizer=OptimizerSpec(kind="l-bfgs", learning_rate=0.02),
        terms=terms,
    )
    words = command_line(study, offered).split()
    assert words[:3] == ["formwright", "reconstruct", "scan.ply"]
    from typer import Typer
    from typer.main import get_command

    from app.cli.reconstruct import reconstruct, weighted_terms

    application = Typer()
    application.command()(reconstruct)
    command = get_command(application)
    values = command.make_context("reconstruct", words[2:]).params
    assert (values["resolution"], values["start"], values["closed"]) == (24, "sphere", False)
    assert (values["optimizer"], values["learning_rate"]) == ("l-bfgs", 0.02)
    assert weighted_terms(values["weights"]) == terms
