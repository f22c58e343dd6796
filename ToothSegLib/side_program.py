"""What the programs beside `toothseg` share, those of ``python -m ToothSegLib.FOLDER.NAME``.

They name themselves as one calls them, and leave with the exit codes of `toothseg`: 0 done, 2 bad
input or output, 130 cancelled, each error in one line. A fault of the program is 1, with its
traceback, for those who use these programs are those who mend them.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import NoReturn

from ToothSegLib.compute.devices import DEVICES
from ToothSegLib.errors import Cancelled, in_words, one_line

Main = Callable[[Sequence[str] | None], int | None]
"""Takes the arguments, by default those of the process; gives the exit code, None for 0."""


class _Parser(argparse.ArgumentParser):
    """Tells a wrong option in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        name = self.prog.rpartition(".")[2]
        self.exit(2, f"{name}: error: {one_line(message)}; see {self.prog} --help\n")


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """The parser of a program.

    Args:
        module: its full name, as behind ``python -m``; a program cannot ask for its own, which is
            ``__main__`` while it runs.
        description: for --help, in one sentence.
    """
    return _Parser(prog=f"python -m {module}", description=description)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Take ``--model``, one bundle."""
    parser.add_argument(
        "--model", metavar="NAME|PATH", help="bundle of weights (default: the default bundle)"
    )


def add_cases(
    parser: argparse.ArgumentParser,
    default: int,
    of: str = "simulated heads",
    least: int = 1,
    why: str = "",
) -> None:
    """Take ``--cases``, how many to measure on, and refuse fewer than ``least``, with the reason in
    words."""

    def count(word: str) -> int:
        cases = int(word)
        if cases < least:
            reason = f": {why}" if why else ""
            raise argparse.ArgumentTypeError(f"give at least {least}, not {cases}{reason}")
        return cases

    count.__name__ = "int"  # as argparse calls it where it is none
    parser.add_argument(
        "--cases",
        type=count,
        default=default,
        metavar="N",
        help=f"number of {of} (default: {default})",
    )


def add_anatomy(parser: argparse.ArgumentParser) -> None:
    """Take ``--anatomy``, the meshes of one individual."""
    parser.add_argument(
        "--anatomy",
        type=Path,
        metavar="DIR",
        help="meshes of an individual that was not trained on, for every second head",
    )


def add_device(parser: argparse.ArgumentParser, default: str = "auto") -> None:
    """Take ``--device``. Whether the computer has it, `devices.choose_device` tells; ask it before
    the first case is made."""
    parser.add_argument(
        "--device", choices=DEVICES, default=default, help=f"where to compute (default: {default})"
    )


def program(main: Main) -> Callable[..., int]:
    """Let ``main`` give an exit code, and print what goes wrong in one line on stderr.

    Faults of the program go through as they are.
    """
    name = Path(inspect.getfile(main)).stem

    @wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        try:
            return main(arguments) or 0
        except (Cancelled, KeyboardInterrupt):
            print(f"{name}: cancelled", file=sys.stderr)
            return Cancelled.exit_code
        except Exception as error:
            _, message, code = in_words(error)
            if code == 1:
                raise
            print(f"{name}: error: {one_line(message)}", file=sys.stderr)
            return code

    return run
