"""`toothseg simulate`: cases and scans on disk, refusals in one line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.cli.main import main
from ToothSegLib.disk.moving import stage_in
from ToothSegLib.errors import Cancelled
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case, load_case
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.volume_io import read_volume


@pytest.fixture(autouse=True)
def coarse_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(
        seed: int, individuals: object, *, crowns: object, ordinary: bool, wish: Wish | None
    ) -> Case:
        return make_case(seed, spacing_mm=2.0, ordinary=ordinary, wish=wish)

    monkeypatch.setattr("ToothSegLib.synthesis.compose.make_case", coarse)


def test_cases_are_numbered_from_the_seed(tmp_path: Path) -> None:
    assert main(["simulate", "-o", str(tmp_path), "--seed", "7", "-n", "2", "--quiet"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case-00007.npz", "case-00008.npz"]
    assert load_case(tmp_path / "case-00008.npz").about["seed"] == 8


def test_a_case_that_is_there_is_left_alone_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "case-00000.npz").write_bytes(b"mine")
    command = ["simulate", "-o", str(tmp_path), "--much-work"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 of 1 cases were there already and were left alone: ")
    assert str(tmp_path) in told
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "case-00000.npz").read_bytes() == b"mine"


def test_a_scan_comes_with_its_labels(tmp_path: Path) -> None:
    command = ["simulate", "-o", str(tmp_path), "--scan", "--spacing", "1.0", "--seed", "3"]
    assert main([*command, "--quiet"]) == 0
    image = read_volume(tmp_path / "case-00003.nrrd")
    labels = read_volume(tmp_path / "case-00003-labels.nrrd")
    assert image.same_grid(labels)
    assert image.spacing == pytest.approx((1.0, 1.0, 1.0))
    assert len(np.unique(labels.array)) > 10


@pytest.mark.parametrize("name", ["case-00001.nrrd", "case-00001-labels.nrrd"])
def test_half_a_case_is_never_replaced(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"mine")
    assert main(["simulate", "-o", str(tmp_path), "--scan", "--seed", "1", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path / name} is there without the other file of its case" in error
    assert error.count("\n") == 1
    assert (tmp_path / name).read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_scan_that_was_killed_between_its_two_files_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage_in(tmp_path) as stage:  # as it is then
        (stage / "case-00000-labels.nrrd").write_bytes(b"labels")
        (stage / ".plan.json").write_text("[]")
        shutil.copytree(stage, stage.with_name(stage.name[:-1] + "-"))
    (tmp_path / "case-00000.nrrd").write_bytes(b"image")
    assert main(["simulate", "-o", str(tmp_path), "--scan", "--quiet"]) == 0
    assert (tmp_path / "case-00000-labels.nrrd").read_bytes() == b"labels"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("error", [Cancelled("cancelled"), KeyboardInterrupt()])
def test_a_run_that_is_cancelled_does_not_deny_what_it_has_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    def interrupted(seed: int, *words: object, **options: object) -> Case:
        if seed == 1:
            raise error
        return make_case(seed, spacing_mm=2.0)

    monkeypatch.setattr("ToothSegLib.synthesis.compose.make_case", interrupted)
    assert main(["simulate", "-o", str(tmp_path), "-n", "3", "--quiet"]) == 130
    told = capsys.readouterr().err
    assert told == "toothseg: cancelled; the same command goes on with the rest\n"
    assert [path.name for path in tmp_path.iterdir()] == ["case-00000.npz"]


def test_few_teeth_and_implants(tmp_path: Path) -> None:
    command = ["simulate", "-o", str(tmp_path), "--few-teeth", "--seed", "40", "-n", "3"]
    assert main([*command, "--quiet"]) == 0
    cases = [load_case(path) for path in sorted(tmp_path.iterdir())]
    assert max(len(case.centres) for case in cases) <= 22
    assert any((case.tissue == tissues.TITANIUM).any() for case in cases)
    assert main([*command, "--quiet", "--no-implants", "-o", str(tmp_path / "none")]) == 0
    for path in sorted((tmp_path / "none").iterdir()):
        without = load_case(path)
        assert without.prosthesis is not None
        assert not without.prosthesis.any()


def test_much_work_on_the_teeth(tmp_path: Path) -> None:
    dental = (tissues.METAL, tissues.CERAMIC, tissues.ROOT_FILLING)
    shares = {}
    for name, words in (("usual", []), ("much", ["--much-work"])):
        command = ["simulate", "-o", str(tmp_path / name), "--ordinary", "--seed", "40", *words]
        assert main([*command, "--quiet"]) == 0
        case = load_case(tmp_path / name / "case-00040.npz")
        worked = np.isin(case.tissue, dental) & (case.labels > 0)
        shares[name] = len(np.unique(case.labels[worked])) / len(case.centres)
    assert shares["usual"] < 0.4 < 0.5 < shares["much"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--count", "0"], "--count 0"),
        (["--seed", "-1"], "--seed -1: give 0 to 4294967295"),
        (["--seed", "10000000000000"], "--seed 10000000000000: give 0 to 4294967295"),
        (["--seed", "4294967295", "--count", "2"], "--seed 4294967295 with --count 2"),
        (["--spacing", "3"], "--spacing 3"),
        (["--spacing", "0.3"], "--spacing 0.3 without --scan or --physics"),
        (["--anatomy", "nowhere"], "no tooth meshes"),
        (["--physics", "nothing"], "no scanner is called 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    extra: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "-o", str(tmp_path), *extra]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_physics_without_its_toolkit_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "itk", None)
    assert main(["simulate", "-o", str(tmp_path), "--physics", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "the extra 'physics'" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
