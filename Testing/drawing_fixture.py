"""Tests of pictures: skipped where nothing can be drawn, unless this machine is known to draw.

A library for OpenGL may be there without a driver, so that nothing but a trial tells whether a
machine draws, and a fault of the trial itself would pass for a machine that does not. `.ci/run`
therefore sets TOOTHSEG_MUST_DRAW where the driver is installed: there nothing is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from ToothSegLib.drawing.offscreen import NoDrawing, offscreen_window

_MUST = "TOOTHSEG_MUST_DRAW"


def not_drawn(why: object) -> NoReturn:
    """Skip the test, or fail it where TOOTHSEG_MUST_DRAW is set."""
    if os.environ.get(_MUST):
        pytest.fail(f"{_MUST} is set and nothing was drawn: {why}")
    pytest.skip(str(why))


@contextmanager
def drawing() -> Iterator[None]:
    """What is drawn within needs OpenGL; see `not_drawn` for where there is none."""
    try:
        yield
    except NoDrawing as error:
        not_drawn(error)


def draws() -> bool:
    """Whether pictures can be drawn here; fails the test where they must be and cannot."""
    try:
        offscreen_window(10, 10)
    except NoDrawing as error:
        if os.environ.get(_MUST):
            not_drawn(error)
        return False
    return True
