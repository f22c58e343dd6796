"""The programs beside `toothseg`: one name, one line an error and one set of exit codes for all."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ToothSegLib import side_program
from ToothSegLib.errors import Cancelled, OutputError

ROOT = Path(__file__).resolve().parents[1]
# Name of a program: what it cannot do without, and words that name something that is not there.
PROGRAMS: dict[str, tuple[list[str], list[str]]] = {
    "evaluation.benchmark": ([], ["--model", "none such"]),
    "evaluation.reliability": ([], ["--model", "none such"]),
    "evaluation.implant_check": ([], ["--model", "none such"]),
    "evaluation.robustness": (["no.nrrd", "no.nrrd"], []),
    "evaluation.small_fields": (["no.nrrd", "no.nrrd"], []),
    "evaluation.fault_injection": ([], ["--cases", "0"]),  # takes no bundle and no file
    "evaluation.strata": ([], ["--model", "none such"]),
    "training.article_table": (["--case", "a", "no.nrrd", "no.nrrd"], ["--work", "work"]),
    "training.ablation": (["--cases", "no", "-o", "out"], []),
    "training.loop_trial": (["-o", "out"], ["--model", "none such"]),
    "training.pack": (["toothnet", "no", "-o", "out"], []),
    "synthesis.labelled_head": (["no.nrrd", "-o", "out"], []),
}
COMPUTING = [
    name
    for name in PROGRAMS
    if name.startswith("evaluation.") and name != "evaluation.fault_injection"
] + ["training.article_table", "training.loop_trial"]

Call = Callable[[str, Sequence[str]], int]

# `runpy` warns of a module that other tests have imported; here it is run afresh, as by -m.
pytestmark = pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Runs a program as ``python -m`` does, in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, words: Sequence[str]) -> int:
        monkeypatch.setattr(sys, "argv", [name, *words])
        with pytest.raises(SystemExit) as left:
            runpy.run_module(f"ToothSegLib.{name}", run_name="__main__")
        return 0 if left.value.code is None else left.value.code

    return run


def only_line(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """What a program said: one line on stderr that begins with its name."""
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{name.rpartition('.')[2]}: error: ")
    return said.err


def test_every_program_is_known_here() -> None:
    folders = [ROOT / "ToothSegLib" / name for name in ("evaluation", "synthesis", "training")]
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    found = {
        f"{path.parent.name}.{path.stem}"
        for path in paths
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "main"
    }
    assert found == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_not_there_is_told_in_one_line(
    call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    needed, missing = PROGRAMS[name]
    assert call(name, [*needed, *missing]) == 2
    only_line(capsys, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_names_the_program_as_one_calls_it(
    call: Call, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert call(name, ["--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m ToothSegLib.{name} ")


@pytest.mark.parametrize("name", COMPUTING)
def test_no_device_but_those_of_the_command_line_is_taken(
    call: Call, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    needed, _ = PROGRAMS[name]
    assert call(name, [*needed, "--device", "nonsense"]) == 2
    said = only_line(capsys, name)
    assert "argument --device: invalid choice: 'nonsense'" in said
    assert f"see python -m ToothSegLib.{name} --help" in said


@pytest.mark.parametrize("name", COMPUTING)
def test_a_device_that_is_not_there_is_told_before_the_first_case(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def made(*_: object, **__: object) -> None:
        pytest.fail("a case was made")

    monkeypatch.setattr("ToothSegLib.compute.devices._cuda_is_there", lambda: False)
    monkeypatch.setattr("ToothSegLib.synthesis.compose.make_case", made)
    monkeypatch.setattr("ToothSegLib.evaluation.benchmark.make_case", made)
    needed, _ = PROGRAMS[name]
    assert call(name, [*needed, "--device", "cuda"]) == 2
    assert "no cuda device" in only_line(capsys, name)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OutputError("the disk\nis full"), 2, "test_side_programs: error: the disk is full\n"),
        (FileNotFoundError(2, "No such file", "a"), 2, "test_side_programs: error: a cannot be"),
        (KeyboardInterrupt(), 130, "test_side_programs: cancelled\n"),
        (Cancelled(), 130, "test_side_programs: cancelled\n"),
    ],
)
def test_what_goes_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    @side_program.program
    def main(arguments: Sequence[str] | None = None) -> None:
        raise error

    assert main([]) == code
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [("1", "give at least 2, not 1: one to fit"), ("many", "invalid int value: 'many'")],
)
def test_too_few_cases_are_refused_and_words_as_well(
    capsys: pytest.CaptureFixture[str], word: str, said: str
) -> None:
    parser = side_program.parser("ToothSegLib.evaluation.some", "Measure.")
    side_program.add_cases(parser, 20, least=2, why="one to fit")
    assert parser.parse_args([]).cases == 20
    assert parser.parse_args(["--cases", "2"]).cases == 2
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--cases", word])
    assert f"argument --cases: {said}" in only_line(capsys, "evaluation.some")


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    @side_program.program
    def main(arguments: Sequence[str] | None = None) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main([])
