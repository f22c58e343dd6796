"""The teeth of one person: what forms they have, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ToothSegLib.synthesis.frames import Slot


class Form(Protocol):
    """What a tooth's form must offer; lengths in mm, coordinates in the tooth's frame."""

    @property
    def crown_height(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def length(self) -> float: ...
    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Individual:
    """The tooth forms of one individual by FDI number, and where each stands in the arch.

    ``slots`` may be empty: forms alone, to be set up in an arch.
    """

    name: str
    forms: Mapping[int, Form]
    slots: Mapping[int, Slot]
