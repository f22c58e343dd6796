"""A promoted bundle stays the default over updates of ToothSeg, which is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from learning_fixture import outcome, tiny_bundle
from ToothSegLib import models
from ToothSegLib.cli import doctor
from ToothSegLib.cli.main import main
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.evaluation.promotion import Worse, promote
from ToothSegLib.user_models import Promotion, promotions, record


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy bundle `shipped` in the place of those that ship."""
    monkeypatch.setenv("TOOTHSEG_HOME", str(tmp_path / "home"))
    tiny_bundle(tmp_path / "Models" / "shipped")
    (tmp_path / "Models" / "default.txt").write_text("shipped\n")
    monkeypatch.setattr(models, "models_folder", lambda: tmp_path / "Models")


def test_a_promotion_that_outlives_the_weights_that_ship_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = promote(tiny_bundle(tmp_path / "new", seed=1), lambda _: [], force=True)
    assert main(["models"]) == 0
    assert "earlier weights" not in "".join(capsys.readouterr())
    tiny_bundle(tmp_path / "Models" / "shipped", seed=2)  # an update
    assert main(["models"]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"{first.name} was promoted against earlier weights of ToothSeg: ")
    assert "'toothseg models compare shipped --benchmark'" in err
    assert f"'toothseg models promote {first.name}'" in err
    assert err.rstrip() in doctor._weights()
    assert main(["models", "shipped"]) == 0  # asked about something else
    assert capsys.readouterr().err == ""
    # Held against those of today, or by a version that has noted nothing.
    promote(tiny_bundle(tmp_path / "newer", seed=3), lambda _: [], force=True)
    assert models.outlived_promotion() == ""
    record((Promotion(first.name, first.when),))
    assert models.outlived_promotion() == ""


def test_whoever_keeps_an_outlived_default_promotes_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = promote(tiny_bundle(tmp_path / "new", seed=1), lambda _: [], force=True)
    tiny_bundle(tmp_path / "Models" / "shipped", seed=2)  # an update
    measured = []

    def measure(bundle: models.Bundle) -> list[Outcome]:
        measured.append(bundle.name)
        return [outcome("case", {11: 0.8 if bundle.name == "shipped" else dice})]

    dice = 0.7
    with pytest.raises(Worse, match="worse than shipped"):
        promote(models.load_bundle(), measure)
    assert models.outlived_promotion()
    dice = 0.9
    measured.clear()
    again = promote(models.load_bundle(), measure)
    assert measured == [first.name, "shipped"]
    assert again.name == first.name
    assert again.grounds["tooth_dice"] == [0.8, 0.9]
    assert models.outlived_promotion() == ""
    with pytest.raises(InputError, match="already"):
        promote(models.load_bundle(), measure)
    models.load_bundle().verify()
    assert promotions() == (again,)
    assert main(["models", "rollback"]) == 0
    assert "the default is shipped again" in capsys.readouterr().out


@pytest.mark.parametrize("grounds", [{}, {models.SHIPPED: "earlier"}])
def test_a_sound_default_needs_nothing_of_what_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], grounds: dict[str, str]
) -> None:
    first = promote(tiny_bundle(tmp_path / "new", seed=1), lambda _: [], force=True)
    record((Promotion(first.name, first.when, grounds),))
    (tmp_path / "Models" / "default.txt").unlink()
    assert models.outlived_promotion() == ""
    assert main(["models"]) == 0
    assert capsys.readouterr().err == ""
    assert first.name in doctor._weights()
