"""A row of regions against a row of slots."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ToothSegLib.arches.alignment import EXTRA, Chain


def a_chain(n: int, m: int, seed: int) -> Chain:
    rng = np.random.default_rng(seed)
    fit, extra = rng.normal(0, 2, (n, m)), rng.normal(-2, 1, n)
    step, ends = rng.normal(-1, 1, (n, n, m, m)), rng.normal(-1, 1, (2, m))
    return Chain(fit, extra, step, *ends)


def every_chain(chain: Chain) -> dict[tuple[int, ...], float]:
    """Slots of every possible chain, and their scores, by plain enumeration."""
    n, m = chain.fit.shape
    scores = {}
    for count in range(min(n, m) + 1):
        for who in combinations(range(n), count):
            for where in combinations(range(m), count):
                slots = [EXTRA] * n
                score = sum(chain.extra[i] for i in range(n) if i not in who)
                for i, slot in zip(who, where):
                    slots[i] = slot
                    score += chain.fit[i, slot]
                if who:
                    score += chain.first[where[0]] + chain.last[where[-1]]  # type: ignore[index]
                for i, j, s, t in zip(who, who[1:], where, where[1:]):
                    score += chain.step[i, j, s, t]
                scores[tuple(slots)] = score
    return scores


@pytest.mark.parametrize("seed", range(5))
def test_best_and_probabilities_agree_with_enumeration(seed: int) -> None:
    chain = a_chain(4, 5, seed)
    scores = every_chain(chain)
    slots, score = chain.best()
    assert score == pytest.approx(max(scores.values()))
    assert scores[tuple(slots)] == pytest.approx(score)
    probabilities, evidence = chain.probabilities()
    assert evidence == pytest.approx(np.log(np.sum(np.exp(list(scores.values())))))
    expected = np.zeros((4, 5))
    for taken, one in scores.items():
        for region, slot in enumerate(taken):
            if slot != EXTRA:
                expected[region, slot] += np.exp(one - evidence)
    assert probabilities == pytest.approx(expected)


def test_more_regions_than_slots_leaves_extras() -> None:
    chain = Chain(np.zeros((3, 1)), np.full(3, -4.0), np.zeros((3, 3, 1, 1)))
    slots, score = chain.best()
    assert sorted(slots) == [EXTRA, EXTRA, 0]
    assert score == -8


def test_hopeless_regions_are_all_extras() -> None:
    chain = Chain(np.full((2, 3), -50.0), np.full(2, -1.0), np.zeros((2, 2, 3, 3)))
    slots, score = chain.best()
    assert slots.tolist() == [EXTRA, EXTRA]
    assert score == -2


def test_no_regions() -> None:
    chain = Chain(np.zeros((0, 16)), np.zeros(0), np.zeros((0, 0, 16, 16)))
    slots, score = chain.best()
    probabilities, evidence = chain.probabilities()
    assert (len(slots), score, len(probabilities), evidence) == (0, 0, 0, 0)
