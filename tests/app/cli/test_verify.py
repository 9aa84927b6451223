"""`formwright verify` on checks made for the purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import typer

from app.cli import verify as command
from app.cli.console import UsageError
from engine.core.checks import Check, CheckResult, Positive, compare


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    def square(*, side: Positive = 2.0) -> CheckResult:
        return compare("house.square", side**2, 4.0, 1e-9, unit="mm²")

    def slow(*, wrong: bool = False) -> CheckResult:
        return compare("house.slow", float(wrong), 0.0, 0.5)

    known = [Check("house.slow", "Slow one", "", slow, slow=True), Check("house.square", "Area", "", square)]

    def all_checks(prefix: str = "") -> Iterator[Check]:
        return (check for check in known if check.case.startswith(prefix))

    monkeypatch.setattr(command, "all_checks", all_checks)


def test_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    command.verify()
    captured = capsys.readouterr()
    assert "house.square: Area: 4 (expected 4" in captured.out
    assert "2 of 2 checks passed" in captured.err


def test_one_json_object_a_case(capsys: pytest.CaptureFixture[str]) -> None:
    command.verify("house.square", as_json=True)
    result = json.loads(capsys.readouterr().out)
    assert {key: result[key] for key in ("case", "measured", "expected", "passed")} == {
        "case": "house.square",
        "measured": 4.0,
        "expected": 4.0,
        "passed": True,
    }


def test_a_failing_check_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as leaving:
        command.verify("house.square", settings=["side=3"])
    assert leaving.value.exit_code == 1
    assert "FAILED house.square" in capsys.readouterr().out


def test_quick_leaves_out_the_slow_ones(capsys: pytest.CaptureFixture[str]) -> None:
    command.verify(quick=True)
    assert "house.slow" not in capsys.readouterr().out


def test_listing_runs_nothing_and_names_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    command.verify(listed=True)
    listed = capsys.readouterr().out
    assert "house.slow (slow): Slow one" in listed
    assert "--set side=2.0" in listed
    assert "--set wrong=false   (false | true)" in listed
    command.verify("house.square", listed=True, as_json=True)
    described = json.loads(capsys.readouterr().out)
    assert described["parameters"] == {"side": 2.0}
    assert "measured" not in described


@pytest.mark.parametrize("value", ["four", "-1", "NaN", "0"])
def test_a_value_that_cannot_be_one_is_wrong_usage(value: str) -> None:
    with pytest.raises(UsageError, match=r"house\.square: side: must be"):
        command.verify("house.square", settings=[f"side={value}"])


def test_an_unknown_case_or_parameter_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no such check"):
        command.verify("nowhere")
    with pytest.raises(UsageError, match="side"):
        command.verify("house.slow", settings=["side=3"])
    with pytest.raises(UsageError, match="KEY=VALUE"):
        command.verify(settings=["side"])
