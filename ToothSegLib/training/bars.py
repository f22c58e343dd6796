"""The steps of a training, shown as they are taken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar


class AnyStep(Protocol):
    """Where a training of one network or several is."""

    @property
    def role(self) -> str:
        """The network."""

    @property
    def done(self) -> int:
        """Its steps so far."""

    @property
    def total(self) -> int:
        """Its steps in all."""


OneStep = TypeVar("OneStep", bound=AnyStep)


@contextmanager
def step_bars(
    words: Callable[[OneStep], Mapping[str, str]], *, quiet: bool
) -> Iterator[Callable[[OneStep], None]]:
    """What shows the steps: a bar for each network, with a step's ``words`` behind it."""
    from tqdm import tqdm

    shown: dict[str, tqdm] = {}

    def show(step: OneStep) -> None:
        if step.role not in shown:
            shown[step.role] = tqdm(
                desc=step.role,
                total=step.total,
                initial=step.done - 1,
                unit="step",
                file=sys.stderr,
                disable=quiet or not sys.stderr.isatty(),
            )
        bar = shown[step.role]
        bar.set_postfix(words(step), refresh=False)
        bar.update()

    try:
        yield show
    finally:
        for bar in shown.values():
            bar.close()
