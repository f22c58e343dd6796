"""How often an interval of B - A leaves the truth out, with few patients.

python Testing/benchmarks/interval_coverage.py --trials 2000

In each kind the true change is nought, so that every interval that leaves it out would be a star by
mistake. 5 % are promised. Bootstraps by scipy.stats, on the same patients, stand beside.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2])]

from ToothSegLib.evaluation.intervals import interval  # noqa: E402

PATIENTS = (2, 3, 4, 5, 6, 8, 10)
TEETH = 28
Changes = Callable[[np.random.Generator, tuple[int, int]], NDArray]


def _missed(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    return np.where(rng.random(shape) < 0.1, 0, rng.normal(0.88, 0.03, shape))


def _right(rng: np.random.Generator, quality: NDArray) -> NDArray:
    return rng.binomial(TEETH, quality) / TEETH


def _counted(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    quality = rng.beta(20, 2, shape)
    return _right(rng, quality) - _right(rng, quality)


def _rare(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    return rng.normal(0, 0.005, shape) + (rng.random(shape) < 0.2) * rng.normal(0, 0.2, shape)


def _one_tooth(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    return rng.choice([-1, 1], shape) / TEETH


def _one_in_five(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    return rng.normal(0, 0.005, shape) + np.where(rng.random(shape) < 0.2, 0.04, -0.01)


KINDS: dict[str, Changes] = {
    "small changes of Dice": lambda rng, shape: rng.normal(0, 0.01, shape),
    "a large change in one of five": _rare,
    "one tooth, missed by either in 10 %": lambda rng, shape: (
        _missed(rng, shape) - _missed(rng, shape)
    ),
    "teeth numbered right, of 28": _counted,
    "one tooth more or less, always": _one_tooth,
    "skewed (exponential)": lambda rng, shape: rng.exponential(0.05, shape) - 0.05,
    "a little worse in four, better in the fifth": _one_in_five,
}


def by_student(changes: NDArray) -> NDArray:
    """(trials, 2) ends, as `toothseg models compare` has them."""
    ends = []
    for row in changes:
        without = [np.delete(row, patient).mean() for patient in range(len(row))]
        ends.append(interval(float(row.mean()), without))
    return np.array(ends)


def by_bootstrap(changes: NDArray, method: str, rng: np.random.Generator) -> NDArray:
    """(trials, 2) ends; `method` as of scipy.stats.bootstrap."""
    result = stats.bootstrap(
        (changes,), np.mean, axis=-1, n_resamples=500, batch=50, method=method, random_state=rng
    )
    return np.stack(result.confidence_interval, -1)


def wrong(ends: NDArray) -> float:
    """Share of intervals that leave nought out; one that is no number does not."""
    return float(np.mean((ends[:, 0] > 1e-9) | (ends[:, 1] < -1e-9)))


def main() -> None:
    """Print a line for each kind and method: per cent that leave nought out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"| changes | interval | {' | '.join(map(str, PATIENTS))} |")
    print(f"| --- | --- |{' ---: |' * len(PATIENTS)}")
    for name, draw in KINDS.items():
        methods: dict[str, list[float]] = {"Student's t": [], "percentile": [], "BCa": []}
        for patients in PATIENTS:
            rng = np.random.default_rng((options.seed, patients))
            changes = draw(rng, (options.trials, patients))
            methods["Student's t"].append(wrong(by_student(changes)))
            for method in ("percentile", "BCa"):
                methods[method].append(wrong(by_bootstrap(changes, method, rng)))
        for method, shares in methods.items():
            figures = " | ".join(f"{100 * share:.0f}" for share in shares)
            print(f"| {name} | {method} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
