"""How near the optimisers come with equal numbers of simulations, on the example studies.

python benchmarks/studies.py [--studies NAME …] [--calls N]

Every method begins with the same design and stops before it has simulated more than N times. A simulation is counted
once whether or not its gradient is asked for, which costs about as much again. The number is the loss that is left, in
parts of that of the start: the best of all designs whose loss is known by then.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from measurement import Measurement, write

from engine.optimization.run import Run
from engine.protocol.study import SAMPLE, OptimizerSpec, Study
from engine.studies.examples import TARGETS, example_study
from engine.studies.registry import build_problem

METHODS: dict[str, dict[str, Any]] = {
    "Adam": {"kind": "adam", "learning_rate": 0.2, "decay": 1.0},
    "L-BFGS": {"kind": "l-bfgs", "decay": 0.0},
    "CMA-ES": {"kind": "cma-es", "search_spread": 0.5},
    "hybrid": {"kind": "hybrid", "search_spread": 0.5, "search_generations": 3, "search_then": "l-bfgs", "decay": 0.0},
}
ITERATIONS = 50
"""Over which Adam's step size falls to a tenth."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", nargs="*", default=["identify", "hold", "fold"])
    parser.add_argument("--calls", type=int, default=40)
    options = parser.parse_args()
    measurements = [found for name in options.studies for found in measure(name, options.calls)]
    for found in measurements:
        print(f"{found.name:50s} {found.value:10.3g}  {found.note}")
    write("studies", measurements, title="Studies through a simulation")
    return 0


def measure(name: str, calls: int) -> list[Measurement]:
    """Every method on one example."""
    study = example_study(name)
    if name == "identify":
        study = study.model_copy(update={"parameters": {"unknowns": "cloth.young, cloth.thickness, cloth.density"}})
    (role,) = study.inputs
    target = TARGETS[study.inputs[role].removeprefix(SAMPLE)]()
    found = []
    for method, values in METHODS.items():
        began = time.process_time()
        left, made = descend(study, {role: target}, OptimizerSpec(**{"learning_rate": 0.5, **values}), calls)
        seconds = time.process_time() - began
        note = f"{made} simulations, {seconds:.0f} CPU s"
        found.append(Measurement(f"{name}: {method}, loss left of the start's", left, "", note=note))
    return found


def descend(study: Study, inputs: dict[str, Any], spec: OptimizerSpec, calls: int) -> tuple[float, int]:
    """The best loss that is known after `calls` simulations, in parts of the first, and how many were made of them."""
    problem = build_problem(study, inputs)
    run = Run(problem, spec, ITERATIONS)
    losses: list[float] = []
    made = before = 0
    while run.status == "running" and run.iteration < ITERATIONS:
        if not run.step():
            break
        # The loss of a step is that of the design before it, which had been simulated by then.
        if before + 1 <= calls:
            losses.append(run.losses["loss"])
            made = min(problem.simulations, calls)
        before = problem.simulations
        if before > calls:
            break
    return min(losses) / losses[0], made


if __name__ == "__main__":
    sys.exit(main())
