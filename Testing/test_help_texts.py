"""What --help says of the options: in words what each is, and not its default alone."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

import pytest

from ToothSegLib import side_program
from ToothSegLib.cli import COMMANDS
from ToothSegLib.cli.main import build_parser

PROGRAMS = (
    "evaluation.benchmark",
    "evaluation.reliability",
    "synthesis.labelled_head",
    "training.loop_trial",
    "training.pack",
)


def options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """All options, those of actions such as `dataset add` too, each with the name of its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options_of(below)
        else:
            yield parser.prog, action


def check_words(parser: argparse.ArgumentParser) -> None:
    for prog, action in options_of(parser):
        assert action.help, (prog, action.dest)
        assert not action.help.startswith("default"), (prog, action.dest)


@pytest.mark.parametrize("name", COMMANDS)
def test_of_the_commands(name: str) -> None:
    check_words(build_parser([name]))


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_the_programs_beside_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = side_program.parser
    monkeypatch.setattr(side_program, "parser", lambda *of: made.append(make(*of)) or made[-1])
    with pytest.raises(SystemExit):
        importlib.import_module(f"ToothSegLib.{name}").main(["--help"])
    check_words(made[0])
