"""The steps of a training, and what takes time before and between them, shown as they are taken."""

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


Tell = Callable[[str, int, int], None]
"""Takes what is being done, and how many pieces of it are done, of how many; before each piece."""


def silent(what: str, done: int, total: int) -> None:
    """The `Tell` that tells nobody."""


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


@contextmanager
def stage_lines(*, quiet: bool) -> Iterator[Tell]:
    """What shows stages: a line that counts in a terminal, else one line a stage."""
    from tqdm import tqdm

    counts = sys.stderr.isatty()
    bar: tqdm | None = None

    def tell(what: str, done: int, total: int) -> None:
        nonlocal bar
        if quiet:
            return
        if not counts:
            if not done:
                print(f"{what} ({total})", file=sys.stderr, flush=True)
            return
        if bar is None or not done:
            if bar is not None:
                bar.close()
            bar = tqdm(desc=what, total=total, file=sys.stderr, leave=False)
        bar.n = done
        bar.refresh()
        if done == total:
            bar.close()
            bar = None

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()
