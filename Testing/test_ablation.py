"""The table of what each choice of the network is worth differs in one thing a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learning_fixture import tiny_bundle
from ToothSegLib import looking
from ToothSegLib.errors import InputError
from ToothSegLib.maps import Maps
from ToothSegLib.models import load_bundle
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training import ablation
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.tasks import TASKS, build


@pytest.fixture(scope="module")
def case() -> Case:
    """A simulated head."""
    return make_case(5, spacing_mm=1.0)


def test_each_variant_differs_in_one_thing() -> None:
    ships = TASKS["toothnet"]
    shown = {
        variant.name: [
            name
            for name in ("architecture", "sizes", "loss")
            if getattr(variant.change(ships), name) != getattr(ships, name)
        ]
        for variant in ablation.VARIANTS
    }
    assert shown.pop("as it ships") == []
    assert all(len(what) == 1 for what in shown.values()), shown
    for variant in ablation.VARIANTS:
        build(variant.change(ships))


def test_without_dice_the_cross_entropy_is_left(case: Case) -> None:
    task = TASKS["toothnet"]
    (bare,) = (v.change(task) for v in ablation.VARIANTS if v.name == "cross-entropy without Dice")
    _, patch = draw_sample([TensorCase.of(case)], replace(task, sizes=((32, 32, 32),)), 0, 2)
    assert (patch.labels > 0).sum() > 1000
    torch.manual_seed(0)
    output = build(task)(torch.randn(1, 1, *patch.labels.shape))
    whole, part = task.loss(output, patch), bare.loss(output, patch)
    assert {name for name in whole if not torch.equal(whole[name], part[name])} == {
        "tooth",
        "types",
    }
    assert 0 < part["tooth"] < whole["tooth"]
    assert 0 < part["types"] < whole["types"]


def test_a_variant_learns_and_becomes_a_bundle(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation, "_SIZES", ((32, 32, 32),))
    rest = tiny_bundle(tmp_path / "rest")
    thin = ablation.Variant("thin", ablation.with_architecture(widths=[4, 4, 4, 4], edge_width=2))
    steps = ablation.learnt(thin, [TensorCase.of(case)], tmp_path / "thin", 2, rest)
    assert list(steps) == [1, 2]
    made = load_bundle(tmp_path / "thin" / "bundle")
    assert made.card["networks"]["toothnet"]["architecture"]["widths"] == [4, 4, 4, 4]
    for name, tensor in rest.build("locator").state_dict().items():
        torch.testing.assert_close(
            made.build("locator").state_dict()[name], tensor, rtol=1e-3, atol=1e-3
        )


def test_an_answer_is_left_out_for_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Maps(
        np.zeros((2, 2, 2), np.float32),
        np.zeros((17, 2, 2, 2), np.float16),
        np.zeros((3, 2, 2, 2), np.float16),
        0.5,
        (0.0, 0.0, 0.0),
        prosthesis=np.zeros((2, 2, 2), np.float16),
    )
    monkeypatch.setattr(looking, "predict_maps", lambda *_: given)
    for name, offsets, prosthesis in (
        ("nothing", True, True), ("offsets to the teeth's centres", False, True),
        ("what is a prosthesis", True, False),
    ):  # fmt: skip
        with ablation.leaving_out(ablation.LEFT_OUT[name]):
            maps = looking.predict_maps()
        assert (maps.offsets is not None, maps.prosthesis is not None) == (offsets, prosthesis)
    assert looking.predict_maps() is given
    with pytest.raises(InputError), ablation.leaving_out(ablation.LEFT_OUT["nothing"]):
        raise InputError("stopped")
    assert looking.predict_maps() is given
