"""A network as a bundle stores it: what it is and its weights, for whatever is to compute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

# What a network keeps beside what training changes.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network of a bundle.

    Attributes:
        where: what to call it in errors.
        architecture: its class and the arguments of that class, as the card gives them.
        weights: by the names that PyTorch gives them.
        sha256: checksum of their file.
    """

    where: str
    architecture: Mapping[str, Any]
    weights: Mapping[str, NDArray]
    sha256: str

    @property
    def parameters(self) -> int:
        """How many numbers training may change."""
        learnt = (w for name, w in self.weights.items() if not name.endswith(_STATISTICS))
        return sum(int(weights.size) for weights in learnt)
