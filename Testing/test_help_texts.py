"""What --help says of the options: in words what each is, and not its default alone."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

import pytest

from ToothSegLib import side_program
from ToothSegLib.cli import COMMANDS
from ToothSegLib.cli.main import build_parser
from ToothSegLib.cli.simulate import SCANNER_NAMES
from ToothSegLib.synthesis.scanner import SCANNERS

PROGRAMS = (
    "evaluation.benchmark",
    "evaluation.fault_injection",
    "evaluation.implant_check",
    "evaluation.reliability",
    "evaluation.small_fields",
    "evaluation.strata",
    "synthesis.labelled_head",
    "training.ablation",
    "training.article_table",
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
    parser = build_parser([name])
    check_words(parser)
    # pip installs no pages.
    assert [prog for prog, action in options_of(parser) if "docs/" in str(action.help)] == []


def test_the_scanners_are_those_that_there_are() -> None:
    assert tuple(SCANNERS) == SCANNER_NAMES


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_the_programs_beside_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = side_program.parser
    monkeypatch.setattr(side_program, "parser", lambda *of: made.append(make(*of)) or made[-1])
    with pytest.raises(SystemExit):
        importlib.import_module(f"ToothSegLib.{name}").main(["--help"])
    check_words(made[0])
