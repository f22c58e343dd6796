"""What happens in the terminal while a command works: a progress bar, and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ToothSegLib.cli.words import plain
from ToothSegLib.errors import Cancelled


def told_how_to_go_on(words: str = "the same command goes on with the rest") -> int:
    """Say that a command was cancelled that has written something, and give the exit code.

    The usual line, that nothing was written, would not be true.
    """
    print(f"toothseg: cancelled; {words}", file=sys.stderr)
    return Cancelled.exit_code


@contextmanager
def working(
    *, quiet: bool = False
) -> Iterator[tuple[Callable[[float, str], None], Callable[[], bool]]]:
    """A progress callback and a cancel check for the length of a run.

    The bar goes to stderr, in per cent with the stage's name; there is none with ``quiet`` or
    where stderr is no terminal. The first Ctrl-C asks the run to stop at its next check, a second
    one stops it at once.

    >>> with working(quiet=True) as (progress, cancelled):
    ...     progress(0.5, "half way")
    ...     cancelled()
    False
    """
    from tqdm import tqdm

    stop = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        bar.set_description_str("stopping")

    def progress(fraction: float, stage: str) -> None:
        if not stop.is_set():
            bar.set_description_str(f"{plain(stage):<40.40}", refresh=False)
        bar.n = round(100 * min(max(fraction, 0.0), 1.0))
        bar.refresh()

    # Only the main thread may take signals; elsewhere whoever started the thread stops it.
    takes_signals = threading.current_thread() is threading.main_thread()
    with tqdm(
        total=100,
        file=sys.stderr,
        disable=quiet or not sys.stderr.isatty(),
        leave=False,
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}",
    ) as bar:
        before = signal.signal(signal.SIGINT, on_interrupt) if takes_signals else None
        try:
            yield progress, stop.is_set
        finally:
            if takes_signals:
                signal.signal(signal.SIGINT, before)
