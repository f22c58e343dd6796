"""Standard output that nobody takes: a pipe whose reader has gone, a full disk, none at all.

A command does its work all the same, and its exit code tells what came of that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


class Output:
    """What stands in for standard output, or for standard error.

    Args:
        stream: the true one; everything else is asked of it.

    Attributes:
        error: why it takes no more, if it does not.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Pass text on as long as it is taken."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Send off what was written, likewise."""
        self._try(self._stream.flush)

    def _try(self, do: Callable[[], object]) -> None:
        if self.error is not None:
            return
        try:
            do()
        except OSError as error:
            self.error = error
            # What is left in its buffer would be an error of Python's at the end of the process.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def output() -> Iterator[Output]:
    """In the place of standard output and error for the length of a command; that of output."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us, as by >&- in a shell
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    made = Output(sys.stdout)
    with redirect_stdout(made), redirect_stderr(Output(sys.stderr)):
        yield made
