"""Standard output that nobody takes: a pipe whose reader has gone, a full disk, none at all.

A command does its work all the same, and its exit code tells what came of that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

_STANDARD_ERROR = 2  # its descriptor


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

    @contextmanager
    def by_a_way_of_its_own(self) -> Iterator[None]:
        """Past the process's standard error, which ITK's readers send nowhere for a while.

        They do so in a thread of their own (see `itk_quiet`), and what has gone wrong meanwhile is
        to be read all the same. A stream that leads elsewhere stays as it is.
        """
        stream, own = self._stream, _on_another_descriptor(self._stream)
        if own is None:
            yield
            return
        self._stream = own
        try:
            yield
        finally:
            self.flush()
            self._stream = stream  # for whoever has kept this object
            with suppress(OSError):
                own.close()

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


def _on_another_descriptor(stream: Any) -> TextIO | None:
    """The same as the process's standard error; None where a stream is in memory, or elsewhere."""
    try:
        if stream.fileno() != _STANDARD_ERROR:
            return None
        stream.flush()
        descriptor = os.dup(_STANDARD_ERROR)
    except (OSError, ValueError, AttributeError):  # not of a file, or closed
        return None
    return os.fdopen(descriptor, "w", buffering=1, encoding=stream.encoding, errors=stream.errors)


@contextmanager
def output() -> Iterator[Output]:
    """In the place of standard output and error for the length of a command; that of output."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us, as by >&- in a shell
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    made, errors = Output(sys.stdout), Output(sys.stderr)
    with redirect_stdout(made), redirect_stderr(errors), errors.by_a_way_of_its_own():
        yield made
