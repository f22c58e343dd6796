"""Simulated heads that no bundle learns from, on which one that learns on must stay as good.

Ordinary bites in ordinary pictures, the kind that every bundle that ships is good at. Their seeds
are of nothing else: neither trainings nor benchmarks draw them, and those of the fixed benchmark
must stay unseen, for they judge what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.pictures import ORDINARY
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.volume import Volume

_FIRST_SEED, _LAST_SEED = 970_000, 980_000


@dataclass(frozen=True)
class GuardHead:
    """One head, made when it is first looked at; to `outcomes_on` a scan as any other."""

    seed: int

    @property
    def id(self) -> str:
        """Its name."""
        return f"head-{self.seed}"

    @property
    def patient(self) -> str:
        """Every head is another patient."""
        return self.id

    def image(self) -> Volume:
        """The scan."""
        return self._scan[0]

    def labels(self) -> Volume:
        """FDI numbers on the same grid."""
        return self._scan[1]

    @cached_property
    def _scan(self) -> tuple[Volume, Volume]:
        return ordinary_scan(self.seed)


def guard_heads(count: int, seed: int) -> list[GuardHead]:
    """So many heads, the same for the same seed."""
    rng = np.random.default_rng([seed, count])
    seeds = rng.choice(_LAST_SEED - _FIRST_SEED, count, replace=False) + _FIRST_SEED
    return [GuardHead(int(seed)) for seed in seeds]


def ordinary_scan(seed: int) -> tuple[Volume, Volume]:
    """A head as those of the fixed benchmark are made."""
    return simulate_scan(make_case(seed, ordinary=True), seed, strength=ORDINARY)
