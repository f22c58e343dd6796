"""Numbers drawn for a picture, all from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """Shorthand for numbers from one generator.

    Attributes:
        generator: the only source of chance.
        strength: how much of their full spread disturbances have, 0 to 1; for whoever draws them.
    """

    generator: torch.Generator
    strength: float = 1.0

    def span(self, low: float, high: float) -> float:
        """Any number between two, each as likely."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def chance(self, probability: float) -> bool:
        """Whether something happens that has this probability."""
        return self.span(0.0, 1.0) < probability

    def normal(self, *size: int) -> Tensor:
        """Float32 of this size with mean 0 and standard deviation 1."""
        return torch.randn(size, generator=self.generator)
