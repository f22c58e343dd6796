"""A training that runs away is stopped before it spoils its weights and its last checkpoint."""

from __future__ import annotations

import math

from ToothSegLib.errors import InputError


def check_finite(loss: float, network: str, step: int) -> None:
    """Refuse a loss, or a length of its gradient, that is no number any more.

    To be called before the optimiser takes its step.

    Args:
        loss: what is to be finite.
        network: that learns, by its name.
        step: which one it is, from 1.

    Raises:
        InputError: it is infinite or not a number.
    """
    if not math.isfinite(loss):
        raise InputError(
            f"the loss of {network} is no number any more in step {step}: lower the learning rate"
        )
