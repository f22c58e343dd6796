"""Training on simulated cases: it learns, and a stop in between changes nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learning_fixture import tiny_bundle
from pretrain_fixture import SMALL, coarse_cases, options, shrink_networks, weights_after
from ToothSegLib.bundles.safetensors_io import read_with_metadata, write_safetensors
from ToothSegLib.errors import BundleError, InputError, OutputError
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import Patch, TensorCase
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.training import pretrain, pretrain_command
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.pretrain import (
    CHECKPOINT,
    Plan,
    draw_mixed,
    draw_sample,
    load_cases,
    load_scans,
    train,
)
from ToothSegLib.training.run_folder import run_folder
from ToothSegLib.training.tasks import TASKS, build
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coarse_cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[TensorCase]:
    return load_cases(folder)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_every_task_learns(name: str, cases: list[TensorCase], tmp_path: Path) -> None:
    before = build(TASKS[name]).state_dict()
    figures = list(train(TASKS[name], cases, tmp_path, Plan(steps=3)))
    assert [f["step"] for f in figures] == [1, 2, 3]
    after = load_checkpoint(tmp_path / "checkpoint.safetensors").weights
    changed = [n for n in before if not torch.equal(before[n], after[f"network.{n}"])]
    assert len(changed) > 0.8 * len(before)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_one_part_learns_alone(cases: list[TensorCase], tmp_path: Path) -> None:
    task = TASKS["toothnet"]
    weights = build(task).state_dict()
    cases = [*cases, replace(cases[0], prosthesis=None)]  # of which there is nothing to learn
    for steps in (2, 6):  # and goes on
        plan = Plan(steps=steps, only="prosthesis_head")
        assert len(list(train(task, cases, tmp_path, plan, weights))) > 0
    after = load_checkpoint(tmp_path / CHECKPOINT).weights
    changed = {n for n in weights if not torch.equal(weights[n], after[f"network.{n}"])}
    assert changed == {"prosthesis_head.weight", "prosthesis_head.bias"}
    with pytest.raises(InputError, match="with only prosthesis_head, not everything"):
        list(train(task, cases, tmp_path, Plan(steps=8)))
    with pytest.raises(InputError, match=r"no part 'pulp_head': choose from .*prosthesis_head"):
        list(train(task, cases, tmp_path / "new", Plan(steps=1, only="pulp_head")))


def test_stopping_and_going_on_changes_nothing(
    cases: list[TensorCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In bfloat16 the kernels themselves do not repeat to the last digit.
    monkeypatch.setattr(pretrain, "training_half_type", lambda device: None)
    task = TASKS["toothnet"]
    whole = weights_after(task, cases, tmp_path / "whole", 4)
    steps = train(task, cases, tmp_path / "parts", Plan(steps=4, seed=5, checkpoint_every_s=0.0))
    next(steps), next(steps)
    steps.close()
    parts = weights_after(task, cases, tmp_path / "parts", 4)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_steps_draw_different_samples(cases: list[TensorCase]) -> None:
    task = TASKS["stage2"]
    image, patch = draw_sample(cases, task, seed=1, step=0)
    again, _ = draw_sample(cases, task, seed=1, step=0)
    other, _ = draw_sample(cases, task, seed=1, step=2)
    assert image.shape == (1, 1, *task.sizes[0])
    assert torch.equal(image, again)
    assert not torch.equal(image, other)
    # The second stage sees what its mask lets through: about the teeth, and nothing far away.
    assert float((image[0, 0] != 0).float().mean()) < 3 * float((patch.labels > 0).float().mean())


def test_another_networks_checkpoint_is_refused(cases: list[TensorCase], tmp_path: Path) -> None:
    weights_after(TASKS["locator"], cases, tmp_path, 1)
    with pytest.raises(InputError, match="a training with task locator, not toothnet"):
        weights_after(TASKS["toothnet"], cases, tmp_path, 2)
    sees = TASKS["locator"].magnification
    other = replace(TASKS["toothnet"], name="locator", magnification=sees)
    with pytest.raises(BundleError, match="another network"):
        weights_after(other, cases, tmp_path, 2)


def of_before(checkpoint: Path) -> None:
    """Make a checkpoint one that does not say how its run was begun."""
    tensors, metadata = read_with_metadata(checkpoint)
    state = json.loads(metadata["state"])
    kept = {"step": state["step"], "task": state["task"]}
    assert kept != state
    write_safetensors(checkpoint, tensors, {"state": json.dumps(kept)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 2}, "with seed 0, not 2"),
        ({"learning_rate": 1e-5}, "with learning_rate 0.002, not 1e-05"),
        ({"recipe": "stage1"}, "with task locator, not stage1"),
        ({"init": "toothnet"}, "--init toothnet with --resume"),
    ],
)
def test_a_run_goes_on_only_as_it_began(
    change: dict[str, object], words: str, folder: Path, tmp_path: Path
) -> None:
    assert pretrain_command.run(options(folder, tmp_path, steps=1)) == 0
    checkpoint = tmp_path / CHECKPOINT
    before = checkpoint.read_bytes()
    with pytest.raises(InputError, match=words):
        pretrain_command.run(options(folder, tmp_path, resume=True, **change))
    assert checkpoint.read_bytes() == before
    if "seed" in change:
        of_before(checkpoint)
        assert pretrain_command.run(options(folder, tmp_path, resume=True, **change)) == 0


def test_two_trainings_in_one_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    with run_folder(tmp_path, resume=False), pytest.raises(OutputError, match="wait for that"):
        pretrain_command.run(options(folder, tmp_path))


def test_the_log_has_each_step_once(cases: list[TensorCase], tmp_path: Path) -> None:
    task = TASKS["locator"]
    for every, steps in ((0.0, 2), (1e9, 3)):
        run = train(task, cases, tmp_path, Plan(steps=6, checkpoint_every_s=every))
        for _ in range(steps):
            next(run)
        run.close()
    with open(tmp_path / "log.csv", "ab") as log:
        log.write(b"1")  # killed while it wrote
    list(train(task, cases, tmp_path, Plan(steps=6)))
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == list("012345")


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="toothseg simulate"):
        load_cases(tmp_path)


def test_weights_of_another_network_are_refused(
    cases: list[TensorCase], folder: Path, tmp_path: Path
) -> None:
    weights_after(TASKS["stage1"], cases, tmp_path / "stage1", 1)
    saved = load_checkpoint(tmp_path / "stage1" / "checkpoint.safetensors")
    write_safetensors(tmp_path / "other.safetensors", saved.weights)
    with pytest.raises(BundleError, match="another network"):
        pretrain_command.run(
            options(folder, tmp_path / "run", init=str(tmp_path / "other.safetensors"))
        )


@pytest.mark.parametrize("gradient", [False, True], ids=["loss", "gradient"])
def test_a_training_that_runs_away_keeps_its_last_good_checkpoint(
    gradient: bool, cases: list[TensorCase], tmp_path: Path
) -> None:
    def spoilt(output: object, patch: Patch) -> dict[str, torch.Tensor]:
        spoilt.steps += 1  # type: ignore[attr-defined]
        assert isinstance(output, torch.Tensor)
        if spoilt.steps < 3:  # type: ignore[attr-defined]
            return {"tooth": output.float().mean()}
        # The root of nothing is a number, its slope is none.
        return {"tooth": (0 * output.float()).sum().sqrt() if gradient else output.sum() * np.nan}

    spoilt.steps = 0  # type: ignore[attr-defined]
    task = replace(TASKS["locator"], loss=spoilt)
    told = "the loss of locator is no number any more in step 3: lower the learning rate"
    with pytest.raises(InputError, match=told):
        list(train(task, cases, tmp_path, Plan(steps=5, checkpoint_every_s=0.0)))
    saved = load_checkpoint(tmp_path / "checkpoint.safetensors")
    assert saved.state["step"] == 2
    assert all(bool(tensor.isfinite().all()) for tensor in saved.weights.values())


def test_a_gradient_too_long_for_a_number_makes_no_step(
    cases: list[TensorCase], tmp_path: Path
) -> None:
    def steep(output: object, patch: Patch) -> dict[str, torch.Tensor]:
        assert isinstance(output, torch.Tensor)
        return {"tooth": output.float().mean() * 1e25}

    task = replace(TASKS["locator"], loss=steep)
    list(train(task, cases, tmp_path, Plan(steps=2)))
    torch.manual_seed(Plan(2).seed)
    fresh = build(task).state_dict()
    saved = load_checkpoint(tmp_path / "checkpoint.safetensors")
    for name, _ in build(task).named_parameters():
        assert torch.equal(saved.weights[f"network.{name}"], fresh[name])


def test_the_command_trains_and_goes_on(folder: Path, tmp_path: Path) -> None:
    assert pretrain_command.run(options(folder, tmp_path)) == 0
    with pytest.raises(InputError, match="--resume"):
        pretrain_command.run(options(folder, tmp_path))
    assert pretrain_command.run(options(folder, tmp_path, steps=3, resume=True)) == 0
    assert load_checkpoint(tmp_path / "checkpoint.safetensors").state["step"] == 3
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(InputError, match="has 3 steps behind it already: ask for more with --step"):
        pretrain_command.run(options(folder, tmp_path, steps=3, resume=True))
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_bundle_and_log_of_an_experiment_stay(folder: Path, tmp_path: Path) -> None:
    tiny_bundle(tmp_path / "bundle")
    (tmp_path / "log.csv").write_text("network,epoch\n")
    with pytest.raises(InputError, match="holds the bundle of another training"):
        pretrain_command.run(options(folder, tmp_path))
    assert (tmp_path / "log.csv").read_text() == "network,epoch\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": None}, "--cases"),
        ({"steps": 0}, "0"),
        ({"seed": 10**13}, "--seed 10000000000000: give 0 to 4294967295"),
        ({"only": "prosthesis_head"}, "--only prosthesis_head without --init: the rest"),
    ],
)
def test_the_command_refuses(
    change: dict[str, object], words: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        pretrain_command.run(options(folder, tmp_path, **change))


def test_the_command_lets_one_part_of_weights_learn_and_goes_on_without_them(
    folder: Path, tmp_path: Path
) -> None:
    run, init = tmp_path / "run", str(tmp_path / "weights.safetensors")
    write_safetensors(init, build(TASKS["toothnet"]).state_dict())
    chosen = {"recipe": "toothnet", "only": "prosthesis_head"}
    assert pretrain_command.run(options(folder, run, **chosen, init=init)) == 0
    assert pretrain_command.run(options(folder, run, **chosen, steps=3, resume=True)) == 0


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scan with its labels, to be read alone."""
    folder = tmp_path_factory.mktemp("scans")
    case = make_case(5, spacing_mm=2.0)
    image, labels = simulate_scan(case, 5, size=(48, 64, 64), spacing_mm=1.0, third_molars=True)
    write_volume(folder / "case-5.nrrd", image)
    write_volume(folder / "case-5-labels.nrrd", labels)
    return folder


def test_scans_are_learned_from_in_their_share_of_the_steps(
    cases: list[TensorCase], scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_scans(scans, TASKS["toothnet"])
    seen = []
    genuine = draw_mixed

    def watched(*args, **kwargs):  # type: ignore[no-untyped-def]
        seen.append(args[2])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(pretrain, "draw_mixed", watched)
    plan = Plan(steps=3, scan_share=0.4)
    assert len(list(train(TASKS["toothnet"], cases, tmp_path / "run", plan, scans=loaded))) == 3
    assert seen == [0.6] * 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("elsewhere", "labels.nrrd is not on the grid of .*case-5.nrrd"),
        ("numbers", "case-5-labels.nrrd: the labels hold 1, 2: only 0 and FDI numbers"),
    ],
)
def test_labels_that_are_not_the_scans_are_refused(
    change: str, words: str, scans: Path, tmp_path: Path
) -> None:
    shutil.copy(scans / "case-5.nrrd", tmp_path)
    labels = read_volume(scans / "case-5-labels.nrrd")
    if change == "elsewhere":
        x, y, z = labels.origin
        labels = replace(labels, origin=(x, y, z + 30.0))
    else:
        labels = labels.with_array((labels.array > 0) + (labels.array > 30).astype(np.uint8))
    write_volume(tmp_path / "case-5-labels.nrrd", labels)
    with pytest.raises(InputError, match=words):
        load_scans(tmp_path, TASKS["toothnet"])


def test_the_command_takes_scans(folder: Path, scans: Path, tmp_path: Path) -> None:
    assert pretrain_command.run(options(folder, tmp_path, scans=str(scans))) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scans": "nowhere"}, "--physics --third-molars --mark-implants"),
        ({"scan_share": 1.0}, "--scan-share 1"),
        ({"scan_share": 0.5}, "--scans"),
    ],
)
def test_the_command_refuses_scans_that_are_none(
    folder: Path, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        pretrain_command.run(options(folder, tmp_path / "run", **change))
