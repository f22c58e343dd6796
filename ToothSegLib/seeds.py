"""The numbers that chance is drawn from."""

from __future__ import annotations

from ToothSegLib.errors import InputError

LARGEST_SEED = 2**32 - 1
"""Every generator takes it, also where a seed is multiplied to tell a training's steps apart."""


def check_seed(seed: int) -> int:
    """The seed.

    Raises:
        InputError: it is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"--seed {seed}: give 0 to {LARGEST_SEED}")
    return seed
