"""Finished runs become a bundle, whose card tells what it has learned from and how it looks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pretrain_fixture import SMALL, coarse_cases, options, shrink_networks, weights_after
from ToothSegLib.bundles.safetensors_io import read_with_metadata, write_safetensors
from ToothSegLib.errors import BundleError, InputError
from ToothSegLib.lineage import learned_scans
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.toothnet import NEW_HEAD
from ToothSegLib.training import pretrain_command
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.initial_weights import parent_of
from ToothSegLib.training.pack import pack
from ToothSegLib.training.pretrain import load_cases
from ToothSegLib.training.tasks import TASKS


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coarse_cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[TensorCase]:
    return load_cases(folder)


def test_finished_runs_make_a_bundle(cases: list[TensorCase], tmp_path: Path) -> None:
    for name in ("toothnet", "locator"):
        weights_after(TASKS[name], cases, tmp_path / name, 1)
    pack("toothnet", [tmp_path / "toothnet", tmp_path / "locator"], tmp_path / "mine")
    bundle = load_bundle(tmp_path / "mine")
    assert bundle.name == "mine"
    assert bundle.kind == "toothnet"
    mean = load_checkpoint(tmp_path / "toothnet" / "checkpoint.safetensors").weights
    packed = bundle.build("toothnet").state_dict()
    for name, tensor in packed.items():
        assert torch.allclose(tensor, mean[f"average.{name}"], atol=1e-2)


def test_training_goes_on_from_a_bundle(
    cases: list[TensorCase], folder: Path, tmp_path: Path
) -> None:
    for name in ("toothnet", "locator"):
        weights_after(TASKS[name], cases, tmp_path / name, 2)
    parent = pack("toothnet", [tmp_path / "toothnet", tmp_path / "locator"], tmp_path / "parent")
    run = tmp_path / "run"
    options_of_run = options(folder, run, recipe="toothnet", steps=1, init=str(parent.folder))
    assert pretrain_command.run(options_of_run) == 0
    started, gone_on = (
        parent.build("toothnet").state_dict(),
        load_checkpoint(run / "checkpoint.safetensors").weights,
    )
    for name, tensor in started.items():
        # One step of the warm-up moves little; random weights would be far off.
        assert torch.allclose(gone_on[f"network.{name}"], tensor, atol=2e-3)
    child = pack("toothnet", [run], tmp_path / "child", rest=parent)
    assert child.card["networks"]["toothnet"]["steps"] == 3
    assert child.card["lineage"]["parent"]["networks"] == parent.weights
    assert child.card["limits"] == parent.card["limits"]
    # What has seen patients' scans is not forgotten.
    lineage = {"parent": None, "data": {"learned": [{"scan": "5ca7"}], "held_out": []}}
    card = {
        **parent.card,
        "trained_on": "A hospital's scans.",
        "limits": ["few"],
        "lineage": lineage,
    }
    grandchild = pack("toothnet", [run], tmp_path / "grandchild", rest=replace(parent, card=card))
    assert learned_scans(grandchild.card["lineage"]) == {"5ca7"}
    assert grandchild.card["trained_on"].startswith("A hospital's scans. Then: Simulated heads")
    assert grandchild.card["limits"] == ["few"]
    locator = child.build("locator").state_dict()
    assert all(torch.equal(locator[n], t) for n, t in parent.build("locator").state_dict().items())


def begun_from(parent: Bundle, folder: Path, run: Path, steps: int) -> Path:
    """A run of the default network from a bundle's weights."""
    of_run = options(folder, run, recipe="toothnet", steps=steps, init=str(parent.folder))
    assert pretrain_command.run(of_run) == 0
    return run


def test_a_bundle_can_lie_between_two_runs(
    cases: list[TensorCase], folder: Path, tmp_path: Path
) -> None:
    for name in ("toothnet", "locator"):
        weights_after(TASKS[name], cases, tmp_path / name, 1)
    runs = [tmp_path / "toothnet", tmp_path / "locator"]
    parent = pack("toothnet", runs, tmp_path / "parent")
    later = begun_from(parent, folder, tmp_path / "later", 3)
    end = pack("toothnet", [later], tmp_path / "end", rest=parent)
    between = pack("toothnet", [later], tmp_path / "between", rest=parent, share=0.25)
    assert between.card["lineage"]["share"] == 0.25
    assert between.card["networks"]["toothnet"]["steps"] == 4
    a, b, mine = (bundle.build("toothnet").state_dict() for bundle in (parent, end, between))
    moved = 0
    for name, tensor in mine.items():
        assert torch.allclose(tensor, 0.75 * a[name] + 0.25 * b[name], rtol=2e-3, atol=1e-4)
        moved += int(not torch.equal(tensor, a[name]) and not torch.equal(tensor, b[name]))
    assert moved > 10
    with pytest.raises(InputError, match="--rest"):
        pack("toothnet", [later], tmp_path / "no", share=0.5)
    with pytest.raises(InputError, match="above 0"):
        pack("toothnet", [later], tmp_path / "no", rest=parent, share=1.5)
    stage1 = tmp_path / "stage1"
    weights_after(TASKS["stage1"], cases, stage1, 1)
    with pytest.raises(InputError, match="names no bundle that its stage1 started from: leave"):
        pack("toothnet", [stage1], tmp_path / "no", rest=parent, share=0.5)
    assert not (tmp_path / "no").exists()


def test_nothing_lies_between_a_bundle_and_a_run_of_other_origin(
    parent: Bundle, cases: list[TensorCase], folder: Path, tmp_path: Path
) -> None:
    # From random weights: neither on the way from a bundle, nor with its steps behind it.
    fresh = tmp_path / "toothnet"
    with pytest.raises(InputError, match="--share 0.5: .*toothnet names no bundle .* --init paren"):
        pack("toothnet", [fresh], tmp_path / "no", rest=parent, share=0.5)
    made = pack("toothnet", [fresh], tmp_path / "made", rest=parent)
    assert made.card["networks"]["toothnet"]["steps"] == 1
    # From another bundle.
    weights_after(TASKS["toothnet"], cases, tmp_path / "longer", 2)
    other = pack("toothnet", [tmp_path / "longer", tmp_path / "locator"], tmp_path / "other")
    run = begun_from(other, folder, tmp_path / "run", 1)
    with pytest.raises(InputError, match="run started from other, not from that of parent: give"):
        pack("toothnet", [run], tmp_path / "no", rest=parent, share=0.5)
    assert not (tmp_path / "no").exists()
    made = pack("toothnet", [run], tmp_path / "made", rest=parent)
    assert made.card["networks"]["toothnet"]["steps"] == 1


def test_an_output_that_the_bundle_lacks_is_learned_from_nothing(
    cases: list[TensorCase], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = replace(TASKS["toothnet"], architecture={**SMALL["toothnet"], "prosthesis": False})
    weights_after(TASKS["locator"], cases, tmp_path / "locator", 1)
    with monkeypatch.context() as older:
        older.setitem(TASKS, "toothnet", without)
        weights_after(without, cases, tmp_path / "toothnet", 2)
        parent = pack("toothnet", [tmp_path / n for n in ("toothnet", "locator")], tmp_path / "old")
    run = tmp_path / "run"
    of_run = options(folder, run, recipe="toothnet", steps=1, init=str(parent.folder))
    assert pretrain_command.run(of_run) == 0
    with pytest.raises(BundleError, match="has no toothnet like that"):
        pack("toothnet", [run], tmp_path / "no", rest=parent, share=0.5)
    child = pack("toothnet", [run], tmp_path / "new", rest=parent).build("toothnet").state_dict()
    old = parent.build("toothnet").state_dict()
    assert {name for name in child if name not in old} == {
        f"{NEW_HEAD}weight",
        f"{NEW_HEAD}bias",
    }
    assert all(torch.allclose(child[name], old[name], atol=1e-2) for name in old)


def test_weights_that_are_no_numbers_make_no_bundle(
    cases: list[TensorCase], tmp_path: Path
) -> None:
    weights_after(TASKS["locator"], cases, tmp_path / "run", 1)
    path = tmp_path / "run" / "checkpoint.safetensors"
    tensors, metadata = read_with_metadata(path)
    name = next(name for name in tensors if "/average." in name and tensors[name].numel() > 1)
    tensors[name].flatten()[0] = np.nan
    write_safetensors(path, tensors, metadata)
    with pytest.raises(BundleError, match="run holds weights that are no numbers"):
        pack("toothnet", [tmp_path / "run"], tmp_path / "no")
    assert not (tmp_path / "no").exists()


@pytest.fixture
def parent(cases: list[TensorCase], tmp_path: Path) -> Bundle:
    """A bundle of two short runs."""
    runs = [tmp_path / name for name in ("toothnet", "locator")]
    for run in runs:
        weights_after(TASKS[run.name], cases, run, 1)
    return pack("toothnet", runs, tmp_path / "parent")


def rewritten(bundle: Bundle, **card: object) -> Bundle:
    """The bundle with other words in its card, on disk too."""
    changed = {**bundle.card, **card}
    (bundle.folder / "card.json").write_text(json.dumps(changed))
    return load_bundle(bundle.folder)


@pytest.mark.parametrize("as_file", [False, True], ids=["bundle", "its file"])
def test_what_a_run_started_from_is_not_forgotten(
    as_file: bool, parent: Bundle, folder: Path, tmp_path: Path
) -> None:
    data = {"learned": [{"scan": "5ca7"}], "held_out": []}
    patients = rewritten(parent, name="patients", lineage={"parent": None, "data": data})
    init = str(patients.networks["toothnet"] if as_file else patients.folder)
    run = tmp_path / "run"
    assert pretrain_command.run(options(folder, run, recipe="toothnet", steps=1, init=init)) == 0
    # A run that goes on remembers it too.
    goes_on = options(folder, run, recipe="toothnet", steps=2, resume=True)
    assert pretrain_command.run(goes_on) == 0
    runs = [run, tmp_path / "locator"]
    for rest in (None, replace(patients, card={**patients.card, "lineage": {"parent": None}})):
        with pytest.raises(InputError, match="started from patients, .* bundle with --rest"):
            pack("toothnet", runs, tmp_path / "no", rest=rest)
    assert not (tmp_path / "no").exists()
    child = pack("toothnet", runs, tmp_path / "child", rest=patients)
    assert learned_scans(child.card["lineage"]) == {"5ca7"}
    assert parent_of(str(tmp_path / "alone.safetensors")) is None


def test_a_bundle_sees_teeth_as_large_as_its_networks_have_learned_to(
    parent: Bundle, cases: list[TensorCase], tmp_path: Path
) -> None:
    assert parent.magnification == 1.2
    life_size = rewritten(parent, magnification=1.0)
    # The locator, which always sees them as in life, tells nothing.
    made = pack("toothnet", [tmp_path / "locator"], tmp_path / "a", rest=life_size)
    assert made.magnification == 1
    small = tmp_path / "small"
    weights_after(replace(TASKS["toothnet"], magnification=1.0), cases, small, 1)
    larger = rewritten(parent, magnification=1.2)
    assert pack("toothnet", [small], tmp_path / "b", rest=larger).magnification == 1
    stage1 = tmp_path / "stage1"
    weights_after(TASKS["stage1"], cases, stage1, 1)
    with pytest.raises(InputError, match=r"different sizes \(.*stage1 1, toothnet 1.2 times"):
        pack("toothnet", [stage1], tmp_path / "no", rest=larger)


def test_a_card_without_steps_is_borne(parent: Bundle, tmp_path: Path) -> None:
    networks = {
        role: {key: value for key, value in entry.items() if key != "steps"}
        for role, entry in parent.card["networks"].items()
    }
    rest = rewritten(parent, networks=networks)
    made = pack("toothnet", [tmp_path / "toothnet"], tmp_path / "made", rest=rest)
    assert made.card["networks"]["toothnet"]["steps"] == 1
    assert "steps" not in made.card["networks"]["locator"]
