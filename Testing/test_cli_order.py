"""Options may stand before the last words of a command, and read the same in all."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from ToothSegLib.cli import dataset, models
from ToothSegLib.cli.main import main


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Namespace]:
    """With what the commands are called, which do nothing."""
    calls: list[Namespace] = []

    def run(args: Namespace) -> int:
        calls.append(args)
        return 0

    monkeypatch.setattr(models, "run", run)
    monkeypatch.setattr(dataset, "run", run)
    return calls


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["models", "promote", "--force", "B"], {"words": ["promote", "B"], "force": True}),
        (["models", "compare", "--dataset", "S", "B"], {"words": ["compare", "B"], "dataset": "S"}),
        (["models", "compare", "A", "--json", "B"], {"words": ["compare", "A", "B"], "json": True}),
        (["models", "--json", "compare", "A", "B"], {"words": ["compare", "A", "B"]}),
        (["models", "--quiet"], {"words": [], "quiet": True}),
        (
            ["dataset", "revise", "S", "C", "--approved", "F"],
            {"case": "C", "labels": Path("F"), "approved": True},
        ),
        (["dataset", "revise", "S", "--approved", "C", "F"], {"case": "C", "labels": Path("F")}),
        (["dataset", "revise", "S", "C", "--approved"], {"labels": None}),
        (["dataset", "unlock", "S", "--quiet", "C"], {"case": "C", "quiet": True}),
    ],
)
def test_an_option_may_come_first(
    words: list[str], expected: dict[str, object], called: list[Namespace]
) -> None:
    assert main(words) == 0
    found = {name: getattr(called[0], name) for name in expected}
    assert found == expected
    assert not hasattr(called[0], "last")
    assert not hasattr(called[0], "parser")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["models", "promote", "--forced", "B"], "--forced"),
        (["models", "promote", "--force", "B", "-x"], "B -x"),
        (["dataset", "revise", "S", "C", "F", "--approved", "G"], "G"),
        (["dataset", "revise", "S", "C", "--approved", "F", "G"], "F G"),
        (["dataset", "list", "S", "C"], "C"),
        (["doctor", "now"], "now"),
    ],
)
def test_what_no_command_knows_is_still_refused(
    words: list[str], left: str, called: list[Namespace], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert f"unrecognized arguments: {left}" in capsys.readouterr().err
    assert not called


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["segment", "scan.nrrd", "-o", "out", "--overwite"], "segment"),
        (["models", "--jsn"], "models"),
        (["dataset", "list", "S", "--quiett"], "dataset list"),
    ],
)
def test_a_misspelt_option_points_to_the_help_that_has_it(
    words: list[str], command: str, called: list[Namespace], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    told = f"unrecognized arguments: {words[-1]}; see toothseg {command} --help\n"
    assert capsys.readouterr().err.endswith(told)


@pytest.mark.parametrize("words", [["models"], ["dataset", "add"]])
def test_the_options_of_all_commands_read_the_same(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert "show the traceback of an error" in capsys.readouterr().out
