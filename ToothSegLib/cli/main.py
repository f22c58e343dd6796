"""`toothseg`: finds the command, runs it, and turns errors into one line and an exit code.

Exit codes: 0 done, 1 a fault of the program, 2 bad input or output, 130 cancelled.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from ToothSegLib import __version__
from ToothSegLib.cli import COMMANDS
from ToothSegLib.cli.output import output
from ToothSegLib.cli.words import plain
from ToothSegLib.errors import Cancelled, OutputError, ToothSegError, in_words
from ToothSegLib.machine.background import leave

DESCRIPTION = """Finds, numbers and measures the teeth in a dental cone-beam CT.
For research use, not a medical device."""
EPILOG = """Exit codes: 0 done, 1 a fault of the program, 2 bad input, output or option, or a
failed check, 130 cancelled. 'toothseg COMMAND --help' tells a command's options."""

_MAY_BE_EMPTY = ("--note", "--who")
# What a library says that finds no memory for itself when it is loaded, or Python for a thread.
_NO_ROOM = re.compile("failed to map segment|[Cc]annot allocate memory|can't start new thread")


class _Parser(argparse.ArgumentParser):
    """Tells a wrong option in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"toothseg: error: {plain(message)}; see {self.prog} --help\n")


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with the options of the command that the arguments call; others stay bare."""
    parser = _Parser(prog="toothseg", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"toothseg {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    called = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == called:
            module = importlib.import_module(f"ToothSegLib.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run, parser=command)
        command.add_argument("--quiet", action="store_true", help="no progress bar, no summary")
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code. SystemExit comes through for --help and bad options."""
    with output() as out:
        code = _run(arguments)
        out.flush()
        if out.error is None or isinstance(out.error, BrokenPipeError):
            return code  # whoever reads what we print, such as `head`, may have had enough of it
        why = out.error.strerror or out.error
        return code or _tell(OutputError(f"what was printed cannot be written: {why}"))


def program() -> NoReturn:
    """`toothseg`, as a program: `main`, and the end of the process."""
    leave(main())


def _run(arguments: Sequence[str] | None) -> int:
    # A result is printed when all is done: no name of a file may be a fault then.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = build_parser(arguments)
    _refuse_empty(parser, arguments)
    args = _parsed(parser, arguments)
    try:
        with warnings.catch_warnings():
            if not args.debug:
                warnings.simplefilter("ignore")
            code: int = args.run(args)
            return code
    except (Exception, KeyboardInterrupt) as error:
        if args.debug and not isinstance(error, Cancelled | KeyboardInterrupt):
            raise
        return _tell(error)


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options. argparse takes a last word that may be left out for left out as soon as an
    option comes before it; a command names that word's action as its `last`. What is left over is
    refused by the command's own parser, which knows where its help is."""
    args, rest = parser.parse_known_args(arguments)
    command: argparse.ArgumentParser = vars(args).pop("parser", parser)
    last: argparse.Action | None = vars(args).pop("last", None)
    if last is not None and rest and not any(word.startswith("-") for word in rest):
        words = [last.type(word) if callable(last.type) else word for word in rest]
        given = getattr(args, last.dest)
        if last.nargs == "*":
            setattr(args, last.dest, [*(given or ()), *words])
            rest = []
        elif given is None and len(words) == 1:
            setattr(args, last.dest, words[0])
            rest = []
    if rest:
        command.error(f"unrecognized arguments: {' '.join(rest)}")
    return args


def _refuse_empty(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """A variable of the shell that is not set gives an empty path, which would be this folder."""
    for before, word in zip(["", *arguments], arguments):
        is_option = re.fullmatch(r"(--.*|-\w)=", word) is not None
        option = word[:-1] if is_option else before
        if (is_option or not word) and option not in _MAY_BE_EMPTY:
            parser.error(
                f"the argument behind '{option or 'toothseg'}' is empty: give a name, or '.' for "
                "this folder"
            )


def _tell(error: BaseException) -> int:
    """Print an error in one line on stderr; the exit code that goes with it."""
    if isinstance(error, Cancelled | KeyboardInterrupt):
        line, code = "cancelled, nothing was written", Cancelled.exit_code
    else:
        assert isinstance(error, Exception)
        if not isinstance(error, ToothSegError) and _NO_ROOM.search(str(error)):
            error = MemoryError()
        _, message, code = in_words(error)
        line = f"error: {message}" + ("; run it again with --debug" if code == 1 else "")
    print("toothseg:", plain(line), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
