"""Options come from the declaration of the parameters, and from nowhere else."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from app.cli.options import said, with_options
from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter


class Parameters(ParameterModel):
    resolution: int = parameter(64, title="Resolution", help="Cells along the longest side.", ge=4)
    spacing: float = parameter(1.0, title="Spacing", help="Distance between samples.", unit="mm", gt=0)
    start: Literal["sdf", "sphere"] = parameter("sdf", title="Start", help="Where the descent begins.")
    closed: bool = parameter(True, title="Closed", help="Whether the border is closed.")
    kind: str = parameter("adam", title="Method", help="How it goes down.")


@pytest.fixture
def values() -> dict[str, Any]:
    return {}


@pytest.fixture
def command(values: dict[str, Any]) -> typer.Typer:
    application = typer.Typer(pretty_exceptions_enable=False)

    @application.command()
    @with_options(Parameters, names={"kind": "method"})
    def work(name: str, **options: Any) -> None:
        values.update(said(Parameters, options, names={"kind": "method"}, diagonal=200.0))

    return application


def test_what_is_not_said_stays_with_the_declaration(command: typer.Typer, values: dict[str, Any]) -> None:
    assert CliRunner().invoke(command, ["part"]).exit_code == 0
    assert values == {}


def test_every_kind_of_parameter_is_understood(command: typer.Typer, values: dict[str, Any]) -> None:
    arguments = [
        "part",
        "--resolution",
        "32",
        "--spacing",
        "0.1 in",
        "--start",
        "sphere",
        "--no-closed",
        "--method",
        "x",
    ]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert values == {"resolution": 32, "spacing": pytest.approx(2.54), "start": "sphere", "closed": False, "kind": "x"}


def test_a_length_may_be_a_percentage_of_the_diagonal(command: typer.Typer, values: dict[str, Any]) -> None:
    CliRunner().invoke(command, ["part", "--spacing", "5 %"])
    assert values["spacing"] == pytest.approx(10.0)


def test_help_speaks_the_declarations_words(command: typer.Typer) -> None:
    text = CliRunner().invoke(command, ["--help"], env={"COLUMNS": "200"}).output
    assert "Cells along the longest side." in text
    assert "Default: 64." in text


def test_a_switch_against_something_is_turned_off_by_the_thing_itself() -> None:
    class Switches(ParameterModel):
        no_loops: bool = parameter(False, title="No loops", help="None comes up.", advanced=True)
        steps: int = parameter(3, title="Steps", help="How many.")

    application = typer.Typer()

    @application.command()
    @with_options(Switches, panel="Study")
    def work(**options: Any) -> None:
        typer.echo(said(Switches, options))

    assert CliRunner().invoke(application, ["--no-loops"]).output == "{'no_loops': True}\n"
    assert CliRunner().invoke(application, ["--loops"]).output == "{'no_loops': False}\n"
    help = CliRunner().invoke(application, ["--help"]).output
    assert help.index("Study ") < help.index("Study, advanced"), "what is seldom needed comes last"


def test_wrong_values_are_refused(command: typer.Typer) -> None:
    assert CliRunner().invoke(command, ["part", "--start", "cube"]).exit_code == 2
    refused = CliRunner().invoke(command, ["part", "--spacing", "three"])
    assert isinstance(refused.exception, ParameterError)
    assert "--spacing" in str(refused.exception)
