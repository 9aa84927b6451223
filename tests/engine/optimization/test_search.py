"""CMA-ES and the hybrid: what they reach, what they refuse, and where generations are evaluated."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from valley_study import ValleyProblem

from engine.core.errors import NonFiniteError, ParameterError
from engine.optimization.run import Run
from engine.optimization.search import MOST_NUMBERS
from engine.protocol import edits
from engine.protocol.study import OptimizerSpec


def descend(iterations: int, problem: ValleyProblem | None = None, **spec: Any) -> Run:
    run = Run(problem or ValleyProblem(), OptimizerSpec(decay=0.0, **spec), iterations)
    while run.step():
        pass
    return run


def test_cma_es_finds_the_end_of_a_curved_valley() -> None:
    run = descend(180, kind="cma-es")
    assert run.losses["loss"] < 1e-12
    assert [float(tensor.detach()) for tensor in run.problem.tensors().values()] == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_generation_and_the_start_are_all_that_is_evaluated() -> None:
    problem = ValleyProblem()
    descend(7, problem, kind="cma-es", search_population=9)
    assert problem.evaluations == 1 + 7 * 9


def test_losses_never_rise_for_the_design_is_the_best_so_far() -> None:
    run = Run(ValleyProblem(), OptimizerSpec(kind="cma-es"), 30)
    seen = []
    while run.step():
        seen.append(run.losses["loss"])
    assert len(seen) == 30 and seen[0] == pytest.approx(24.2)
    assert all(later <= earlier for earlier, later in itertools.pairwise(seen))


def test_the_hybrid_goes_on_by_the_gradient() -> None:
    problem = ValleyProblem()
    run = descend(60, problem, kind="hybrid", search_generations=15, search_then="l-bfgs", learning_rate=1.0)
    assert run.losses["loss"] < 1e-12
    assert run.method.optimizer.state()["steps"] == 60
    searched = descend(15, kind="cma-es")
    assert run.losses["loss"] < searched.losses["loss"]


def test_a_design_of_one_number() -> None:
    class Bowl(ValleyProblem):
        def tensors(self) -> dict[str, Any]:
            return {"a": self.a}

        def evaluate(self) -> dict[str, Any]:
            return {"valley": ((1.0 - self.a) ** 2).sum()}

    assert float(descend(40, Bowl(), kind="cma-es").problem.tensors()["a"].detach()) == pytest.approx(1.0, abs=1e-4)


def test_processes_change_no_bit() -> None:
    here = descend(6, kind="cma-es")
    there = descend(6, kind="cma-es", search_workers=2)
    for one, other in zip(here.problem.state().values(), there.problem.state().values(), strict=True):
        assert np.array_equal(one, other)
    assert here.losses == there.losses


def test_candidates_that_fail_rank_last() -> None:
    run = descend(150, ValleyProblem(wall=0.5), kind="cma-es")
    a = float(run.problem.tensors()["a"].detach())
    assert 0.45 < a <= 0.5


def test_a_start_that_fails_says_so() -> None:
    run = Run(ValleyProblem(wall=-2.0), OptimizerSpec(kind="cma-es"), 5)
    run.step()
    assert run.status == "failed"


def test_the_line_search_of_l_bfgs_stays_within_a_wall() -> None:
    """Without it every step across the wall would be a roll-back."""
    run = descend(60, ValleyProblem(wall=0.5), kind="l-bfgs", learning_rate=1.0)
    assert run.status == "finished"
    assert not any(entry.by_engine for entry in run.journal)
    assert float(run.problem.tensors()["a"].detach()) <= 0.5


def test_designs_of_many_numbers_are_refused() -> None:
    many = ValleyProblem(numbers=MOST_NUMBERS)
    with pytest.raises(ParameterError, match=f"at most {MOST_NUMBERS} numbers"):
        Run(many, OptimizerSpec(kind="cma-es"), 5)
    run = Run(many, OptimizerSpec(), 5)
    with pytest.raises(ParameterError, match="Adam"):
        run.carry_out(edits.SetParameter(owner="optimizer", name="kind", value="hybrid"))
    assert run.method.optimizer.spec.kind == "adam"


def test_generations_are_large_enough() -> None:
    with pytest.raises(ParameterError, match="at least 4"):
        OptimizerSpec.parse({"search_population": 2}, owner="optimizer")


def test_an_edit_makes_the_best_design_be_found_again() -> None:
    problem = ValleyProblem()
    run = Run(problem, OptimizerSpec(kind="cma-es", search_population=6), 4)
    run.step()
    before = problem.evaluations
    run.carry_out(edits.SetWeight(term="valley", weight=1.0))
    run.step()
    assert problem.evaluations == before + 7


def test_nothing_is_told_where_all_fail() -> None:
    problem = ValleyProblem()
    run = Run(problem, OptimizerSpec(kind="cma-es"), 4)
    run.step()
    problem.wall = -100.0
    with pytest.raises(NonFiniteError):
        run.method.step(run.iteration, run.iterations)
