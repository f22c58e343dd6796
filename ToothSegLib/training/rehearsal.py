"""Simulated heads to mix in: those of a folder, or drawn for the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.synthesis.case import Case, load_case, save_case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training.bars import Tell, silent
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.processes import Processes

# Whatever is measured on simulated heads draws them from seeds of this size or more.
FIRST_MEASURING_SEED = 900_000
_FIRST_SEED, _LAST_SEED = 100_000, 500_000


def simulated_heads(
    folder: Path, plan: Plan, given: Path | None, processes: Processes, tell: Tell = silent
) -> tuple[list[TensorCase], list[object]]:
    """Heads, and the seeds that they were drawn from.

    Args:
        folder: of the run; heads that are drawn are kept in its `heads/`.
        plan: how many and by which seed, and whether any at all.
        given: cases of `toothseg simulate` to take instead.
        processes: the first one draws.
        tell: called before each head that is drawn.

    Raises:
        InputError: there are no cases in the folder, one cannot be read, or it is one of those
            that bundles are measured on.
        OutputError: a head cannot be written.
    """
    if plan.simulated_share == 0:
        return [], []
    if given is None:
        paths = _paths(folder / "heads", plan)
        if processes.first:
            _draw(paths, tell)
        processes.wait()
        cases = [load_case(path) for path in paths]
    else:
        cases = given_heads(given)
    return [TensorCase.of(case) for case in cases], [case.about.get("seed") for case in cases]


def given_heads(folder: Path) -> list[Case]:
    """The cases of a folder of `toothseg simulate`; InputError as of `simulated_heads`."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise InputError(f"no cases (*.npz) in {folder}; make some with 'toothseg simulate'")
    cases = [load_case(path) for path in paths]
    for path, case in zip(paths, cases, strict=True):
        _refuse_measured(path, case)
    return cases


def _paths(folder: Path, plan: Plan) -> dict[Path, int]:
    rng = np.random.default_rng([plan.seed, plan.simulated])
    seeds = rng.choice(_LAST_SEED - _FIRST_SEED, plan.simulated, replace=False) + _FIRST_SEED
    return {folder / f"{seed}.npz": int(seed) for seed in seeds}


def _draw(paths: dict[Path, int], tell: Tell) -> None:
    for n, (path, seed) in enumerate(paths.items()):
        tell("drawing simulated heads", n, len(paths))
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {path.parent}: {error.strerror or error}") from error
        if not path.exists():
            # Every second one is an ordinary bite, as the shipped networks have learned.
            save_case(path, make_case(seed, ordinary=n % 2 == 1))
    tell("drawing simulated heads", len(paths), len(paths))


def _refuse_measured(path: Path, case: Case) -> None:
    seed = case.about.get("seed")
    if isinstance(seed, int) and seed >= FIRST_MEASURING_SEED:
        raise InputError(
            f"{path} has the seed {seed}: heads from {FIRST_MEASURING_SEED} on are for measuring "
            "and must not be learned from"
        )
