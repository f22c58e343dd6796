"""The command line: what it prints, writes and returns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ToothSegLib
from cli_fixture import ABSENT, python, written_scan
from phantom_fixture import dentition, segmentation
from stub_fixture import bright_voxels, put_cascade
from ToothSegLib.cli import COMMANDS
from ToothSegLib.cli.main import main
from ToothSegLib.cli.segment import summary
from ToothSegLib.report import Finding
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """See `cli_fixture.written_scan`."""
    return written_scan(tmp_path)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert all(f"    {name} " in out for name in COMMANDS)
    out = " ".join(out.split())
    assert "not a medical device" in out
    assert "Exit codes: 0 done, " in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"toothseg {ToothSegLib.__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    """As torchrun starts it, see docs/learning.md."""
    run = python(
        "import runpy, sys; sys.argv = ['', '--version']\n"
        "runpy.run_module('ToothSegLib', run_name='__main__')"
    )
    assert (run.returncode, run.stdout) == (0, f"toothseg {ToothSegLib.__version__}\n")


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["segment"], ["segment", "x", "-o", "y", "--device", "abacus"]]
)
def test_a_wrong_option_is_told_in_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("toothseg: error: ")
    assert err.count("\n") == 1
    assert "--help" in err


@pytest.mark.parametrize(
    ("words", "behind"),
    [
        (["segment", "", "-o", "out"], "segment"),
        (["segment", "x", "-o", ""], "-o"),
        (["segment", "x", "--output="], "--output"),
        (["segment", "x", "-o="], "-o"),
        (["batch", "", "-o", "out"], "batch"),
        (["simulate", "-o", ""], "-o"),
        (["dataset", "list", ""], "list"),
        ([""], "toothseg"),
    ],
)
def test_an_empty_path_is_not_this_folder(
    words: list[str],
    behind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"toothseg: error: the argument behind '{behind}' is empty: ")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_note_may_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["dataset", "add", str(tmp_path / "set"), "absent.nrrd", "--note", "", "--who="]
    assert main(words) == 2
    assert "absent.nrrd does not exist" in capsys.readouterr().err


def test_segment_writes_the_files_and_prints_one_screen(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_cascade(monkeypatch)
    assert main(["segment", str(scan), "-o", str(tmp_path / "out"), "--no-picture"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "26 of 28 teeth" in out
    assert "Not found: 12, 47" in out
    assert len(out.splitlines()) < 25
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a scan-labels.nrrd", "a scan-report.json", "a scan.seg.nrrd", "stl",
    ]  # fmt: skip
    labels = read_volume(tmp_path / "out" / "a scan-labels.nrrd")
    np.testing.assert_array_equal(labels.array, dentition(ABSENT).array)
    report = json.loads((tmp_path / "out" / "a scan-report.json").read_text(encoding="utf-8"))
    assert report["provenance"]["source"] == "a scan.nrrd"


def test_segment_passes_its_options_on(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    got = {}

    def note(volume, **options):
        got.update(options)
        return bright_voxels(volume)

    put_cascade(monkeypatch, note)
    words = ["segment", str(scan), "-o", str(tmp_path / "out"), "--no-stl", "--no-picture"]
    assert main([*words, "--model", "small", "--device", "cpu", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")
    assert (got["bundle"].name, got["device"]) == ("small", "cpu")
    assert not (tmp_path / "out" / "stl").exists()


def test_summary_charts_the_teeth_and_puts_the_urgent_first() -> None:
    result = segmentation(dentition(ABSENT))
    result.findings = [Finding("b", "low", "Later."), Finding("a", "high", "At once.", (11,))]
    stl = [Path("out/stl/11_a.stl"), Path("out/stl/21_b.stl")]
    text = summary(result, [Path("out/scan-labels.nrrd"), *stl], 12.34)
    assert "26 of 28 teeth in 12.3 s" in text
    assert "upper right  17 16 15 14 13 -- 11  |  21 22 23 24 25 26 27  upper left" in text
    assert "lower right  -- 46 45 44 43 42 41  |  31 32 33 34 35 36 37  lower left" in text
    assert text.index("At once.") < text.index("Later.")
    assert f"{Path('out/stl')} (2 surfaces)" in text
    beside = [Path("out/scan-stl/11_a.stl")]
    text = summary(result, [Path("out/scan-labels.nrrd"), *beside], 12.34)
    assert f"{Path('out/scan-stl')} (1 surfaces; another scan's are in stl)" in text


@pytest.mark.parametrize(
    ("others", "told", "lines"),
    [(0, (12, 47), 1), (0, (12,), 2), (8, (12, 47), 1)],
    ids=["by the finding", "a part by the finding", "the finding is not shown"],
)
def test_summary_tells_once_what_was_not_found(
    others: int, told: tuple[int, ...], lines: int
) -> None:
    result = segmentation(dentition(ABSENT))
    missing = f"Not found: {', '.join(map(str, told))} (between ...)."
    result.findings = [Finding("b", "low", "Look.")] * others
    result.findings += [Finding("missing-teeth", "low", missing, told)]
    text = summary(result, [Path("out/scan-labels.nrrd")], 1.0)
    assert text.count("Not found: ") == lines
    assert ("Not found: 12, 47\n" in text) == (others > 0 or lines > 1)


@pytest.mark.parametrize("code", ["not-a-head-scan", "no-teeth"])
def test_summary_says_first_that_this_may_be_no_scan_of_teeth(code: str) -> None:
    result = segmentation(dentition(ABSENT))
    message = "This may be no CBCT or CT of a head: it has only 3 grey values."
    result.findings = [Finding("a", "high", "At once."), Finding(code, "high", message)]
    text = summary(result, [Path("out/scan-labels.nrrd")], 1.0)
    assert text.startswith(message)
    assert text.count(message) == 1


def test_summary_of_many_findings_stays_on_one_screen() -> None:
    result = segmentation(dentition(ABSENT))
    result.findings = [Finding("a", "low", f"Number {n}.") for n in range(30)]
    result.findings.append(Finding("b", "high", "At once."))
    text = summary(result, [Path("out/scan-labels.nrrd")], 1.0)
    assert len(text.splitlines()) <= 24
    assert "At once." in text
    assert "and 23 less urgent ones in the report" in text


def test_a_fault_of_the_program_is_one_line_and_debug_shows_it(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def faulty(volume, **_):
        raise ZeroDivisionError("a fault\nin two lines")

    put_cascade(monkeypatch, faulty)
    words = ["segment", str(scan), "-o", str(tmp_path / "out")]
    assert main(words) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "ZeroDivisionError: a fault in two lines" in err
    assert "--debug" in err
    with pytest.raises(ZeroDivisionError):
        main([*words, "--debug"])


def test_evaluate_prints_a_table_and_writes_json(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    truth, prediction, figures = (tmp_path / name for name in ("t.nrrd", "p.nrrd", "f.json"))
    write_volume(truth, dentition())
    write_volume(prediction, dentition(ABSENT))
    assert main(["evaluate", str(prediction), str(truth), "--json", str(figures)]) == 0
    out = capfd.readouterr().out
    assert "mean of 28 teeth                  0.929" in out
    assert "missed               12, 47" in out
    read = json.loads(figures.read_text(encoding="utf-8"))
    assert read["identification"]["recall"] == pytest.approx(26 / 28, abs=1e-4)
    assert read["resampled"] is False


def test_evaluate_resamples_only_when_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    truth, prediction = tmp_path / "t.nrrd", tmp_path / "p.nrrd"
    write_volume(truth, dentition())
    labels = dentition()
    flipped = type(labels)(
        np.ascontiguousarray(labels.array[:, :, ::-1]),
        labels.spacing,
        tuple((labels.index_to_lps @ [labels.shape[2] - 1, 0, 0, 1])[:3]),
        np.diag([-1.0, 1, 1]),
    )
    write_volume(prediction, flipped)
    assert main(["evaluate", str(prediction), str(truth)]) == 2
    assert "the grids differ" in capfd.readouterr().err
    assert main(["evaluate", str(prediction), str(truth), "--resample"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("The prediction was brought to the truth's grid by nearest neighbour.")
    assert "mean of 28 teeth                  1.000" in out


@pytest.mark.parametrize("jobs", ["abc", "0", "-1", "1.5", "\N{SUPERSCRIPT TWO}"])
def test_a_number_of_jobs_is_asked_for_in_words(
    jobs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["batch", "scans", "-o", "out", f"--jobs={jobs}"])
    assert end.value.code == 2
    assert f"argument --jobs: '{jobs}': give a whole number of at" in capsys.readouterr().err


def test_a_package_that_is_missing_is_told_with_what_to_do(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(volume: object, **_: object) -> None:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    put_cascade(monkeypatch, missing)
    assert main(["segment", str(scan), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        "toothseg: error: the Python package 'scipy' is missing or damaged: install it again\n"
    )
