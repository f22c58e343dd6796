"""The annotations of ``slicer.parameterNodeWrapper``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Validator:
    """Something that a value must satisfy."""

    def validate(self, value: Any) -> None:
        """ValueError where it does not."""
        raise NotImplementedError


class WithinRange(Validator):
    """Both ends included."""

    def __init__(self, minimum: float, maximum: float) -> None:
        if minimum > maximum:
            raise ValueError(f"the range {minimum} to {maximum} is empty")
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        """ValueError outside."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} to {self.maximum}")


class Minimum(Validator):
    """The least value."""

    def __init__(self, minimum: float) -> None:
        self.minimum = minimum

    def validate(self, value: Any) -> None:
        """ValueError below."""
        if value < self.minimum:
            raise ValueError(f"{value} is less than {self.minimum}")


class Maximum(Validator):
    """The greatest value."""

    def __init__(self, maximum: float) -> None:
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        """ValueError above."""
        if value > self.maximum:
            raise ValueError(f"{value} is more than {self.maximum}")


class Choice(Validator):
    """One of a list; fills the combo box that it is connected to."""

    def __init__(self, choices: list[Any]) -> None:
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        """ValueError for anything else."""
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class Default:
    """A default value, or a function that makes one."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value, self._generator = value, generator

    def value(self) -> Any:
        """The default."""
        return self._generator() if self._generator else self._value


class Decimals:
    """Digits that a number box shows."""

    def __init__(self, value: int) -> None:
        self.value = value


class SingleStep:
    """The step of a number box."""

    def __init__(self, value: float) -> None:
        self.value = value
