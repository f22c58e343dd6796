"""`toothseg models` and `toothseg doctor`: what they print and return."""

from __future__ import annotations

import re
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

import ToothSegLib
from learning_fixture import tiny_bundle
from phantom_fixture import dentition, segmentation
from ToothSegLib import models
from ToothSegLib.cli import doctor
from ToothSegLib.cli.main import main
from ToothSegLib.command_line import command_line
from ToothSegLib.errors import BundleError


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with one tiny bundle, the default."""
    from ToothSegLib.network import UNet

    options = {"dim": 2, "in_channels": 1, "out_channels": 1, "n_blocks": 1, "start_filters": 2}
    card = {
        "name": "tiny",
        "title": "a tiny network",
        "kind": "published-cascade",
        "networks": {"stage1": {"architecture": {"class": "UNet", **options}}},
        "trained_on": "nothing",
        "figures": {"simulated_cases": {"dice": 0.91}},
        "limits": ["finds nothing"],
        "licence": "Apache-2.0",
    }
    folder = tmp_path / "Models"
    folder.mkdir()
    monkeypatch.setattr(models, "models_folder", lambda: folder)
    models.write_bundle(folder / "tiny", card, {"stage1": UNet(**options).state_dict()})
    (folder / "default.txt").write_text("tiny\n")
    return folder


def test_models_tells_what_the_card_says(bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "tiny (default): a tiny network" in out
    assert "parameters, intact" in out
    assert "figures: simulated cases dice 0.91" in out
    assert "limits: finds nothing" in out


def test_models_finds_a_damaged_bundle(bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = bundles / "tiny" / "stage1.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    assert main(["models"]) == 2
    out, err = capsys.readouterr()
    assert "intact" not in out
    assert err.startswith("toothseg: error: ")
    assert "checksum" in err


def test_only_the_default_itself_is_called_so(
    bundles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = shutil.copytree(bundles / "tiny", tmp_path / "theirs")
    assert main(["models", str(theirs)]) == 0
    assert capsys.readouterr().out.startswith("tiny: a tiny network")
    assert main(["models", str(bundles / "tiny")]) == 0
    assert capsys.readouterr().out.startswith("tiny (default): a tiny network")
    (bundles / "default.txt").unlink()
    assert main(["models", str(theirs)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("tiny: ")
    assert err == ""


def test_without_a_home_folder_there_is_no_list_and_nothing_is_promoted(
    bundles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    for variable in ("TOOTHSEG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    assert main(["models"]) == 0
    assert "tiny (default): " in capsys.readouterr().out
    assert main(["models", "rollback"]) == 2
    assert "nothing to roll back" in capsys.readouterr().err
    theirs = str(tiny_bundle(bundles.parent / "theirs").folder)
    for words in (["promote", theirs, "--force"], ["compare", theirs, "--benchmark"]):
        assert main(["models", *words]) == 2
        said = "no home folder is known: set TOOTHSEG_HOME to a folder for bundles and figures"
        assert capsys.readouterr().err == f"toothseg: error: {said}\n"


@pytest.mark.parametrize("words", [["promot", "tiny"], ["rolback"], ["Compare", "tiny"]])
def test_a_misspelt_action_is_told_before_anything_is_shown(
    bundles: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    told = f"{words[0]!r} is no action and no bundle; actions are compare, promote, rollback"
    assert err == f"toothseg: error: {told}\n"


def test_a_bundle_that_is_called_nearly_as_an_action_is_shown(
    bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundles / "tiny").rename(bundles / "promoted")
    card = bundles / "promoted" / "card.json"
    card.write_text(card.read_text().replace('"tiny"', '"promoted"'))
    assert main(["models", "promoted"]) == 0
    assert "promoted: a tiny network" in capsys.readouterr().out


def test_models_without_any_bundle_says_so(
    bundles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "list_bundles", list)
    assert main(["models"]) == 2
    assert "came without weights" in capsys.readouterr().err


def test_doctor_finds_a_sound_installation_sound(
    bundles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = SimpleNamespace(segment=lambda volume, **_: segmentation(dentition()))
    monkeypatch.setattr(ToothSegLib, "cascade", stub, raising=False)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "BROKEN" not in out
    for line in ("ok      Python", "ok      torch", "ok      weights     tiny, all intact"):
        assert line in out
    assert out.endswith("ToothSeg works here.\n")


@pytest.mark.parametrize(
    "error",
    [
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
)
def test_what_finds_no_room_is_no_fault_of_the_program(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crowded(_: Namespace) -> int:
        raise error

    monkeypatch.setattr(doctor, "run", crowded)
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err.startswith("toothseg: error: not enough memory")


def test_doctor_names_what_is_broken_and_looks_at_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(package: str) -> str:
        raise RuntimeError(f"no {package}: python -m pip install {package}")

    def damaged() -> str:
        raise BundleError("the weights are damaged")

    monkeypatch.setattr(doctor, "_package", missing)
    monkeypatch.setattr(doctor, "_weights", damaged)
    monkeypatch.setattr(doctor, "_trial_run", lambda: "went well")
    assert main(["doctor"]) == 2
    out = capsys.readouterr().out
    assert "BROKEN  numpy       no numpy: python -m pip install numpy" in out
    assert "BROKEN  weights     the weights are damaged" in out
    assert "ok      trial run   went well" in out


def test_doctor_installs_what_lacks_by_the_python_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nrrd", None)
    monkeypatch.setattr(sys, "executable", "/a folder/python")
    repair = command_line("/a folder/python", "-m", "pip", "install", "pynrrd")
    with pytest.raises(RuntimeError, match=re.escape(f": {repair}")):
        doctor._package("pynrrd")


def test_doctor_takes_a_missing_picture_for_a_remark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def blind() -> str:
        raise RuntimeError("no picture: there is no OpenGL")

    for name in ("_weights", "_trial_run"):
        monkeypatch.setattr(doctor, name, lambda: "fine")
    monkeypatch.setattr(doctor, "_drawing", blind)
    assert doctor.run(Namespace(debug=False, quiet=False)) == 0
    assert "note    drawing     no picture" in capsys.readouterr().out
