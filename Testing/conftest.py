"""What all tests share."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import settings

# The tests are small; threads would cost more than they give, and more than one test machine has.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# The same examples in every run, and no time limit for one of them: a slow machine is no failure.
settings.register_profile("toothseg", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("toothseg")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)
