"""Training on simulated cases: it learns, and a stop in between changes nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ToothSegLib.errors import BundleError, InputError, OutputError
from ToothSegLib.lineage import learned_scans
from ToothSegLib.models import load_bundle
from ToothSegLib.safetensors_io import read_with_metadata, write_safetensors
from ToothSegLib.synthesis.case import save_case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import Patch, TensorCase
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.toothnet import NEW_HEAD
from ToothSegLib.training import pretrain, pretrain_command
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.pack import pack
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
from ToothSegLib.training.tasks import TASKS, Task, build
from ToothSegLib.volume_io import write_volume

SMALL = {
    "toothnet": {"class": "ToothNet", "widths": [4, 6, 8, 8], "edge_width": 4, "prosthesis": True},
    "locator": {**TASKS["locator"].architecture, "start_filters": 2},
    "stage1": {**TASKS["stage1"].architecture, "start_filters": 2},
    "stage2": {**TASKS["stage2"].architecture, "start_filters": 2},
}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, task in list(TASKS.items()):
        small = replace(
            task, architecture=SMALL[name], spacing_mm=1.5, sizes=((32, 32, 32), (16, 32, 48))
        )
        monkeypatch.setitem(TASKS, name, small)
    return


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases")
    for seed in (3, 4):
        save_case(path / f"{seed}.npz", make_case(seed, spacing_mm=1.0))
    return path


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[TensorCase]:
    return load_cases(folder)


def weights_after(task: Task, cases: list[TensorCase], folder: Path, steps: int) -> dict:
    for _ in train(task, cases, folder, Plan(steps=steps, seed=5)):
        pass
    return load_checkpoint(folder / "checkpoint.safetensors").weights


@pytest.mark.parametrize("name", sorted(SMALL))
def test_every_task_learns(name: str, cases: list[TensorCase], tmp_path: Path) -> None:
    before = build(TASKS[name]).state_dict()
    figures = list(train(TASKS[name], cases, tmp_path, Plan(steps=3)))
    assert [f["step"] for f in figures] == [1, 2, 3]
    after = load_checkpoint(tmp_path / "checkpoint.safetensors").weights
    changed = [n for n in before if not torch.equal(before[n], after[f"network.{n}"])]
    assert len(changed) > 0.8 * len(before)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


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


def test_a_bundle_can_lie_between_two_runs(cases: list[TensorCase], tmp_path: Path) -> None:
    for name in ("toothnet", "locator"):
        weights_after(TASKS[name], cases, tmp_path / name, 1)
    runs = [tmp_path / "toothnet", tmp_path / "locator"]
    parent = pack("toothnet", runs, tmp_path / "parent")
    later = tmp_path / "later"
    weights_after(TASKS["toothnet"], cases, later, 3)
    end = pack("toothnet", [later], tmp_path / "end", rest=parent)
    between = pack("toothnet", [later], tmp_path / "between", rest=parent, share=0.25)
    assert between.card["lineage"]["share"] == 0.25
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
    with pytest.raises(BundleError, match="has no stage1 like that"):
        pack("toothnet", [stage1], tmp_path / "no", rest=parent, share=0.5)
    assert not (tmp_path / "no").exists()


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
    child = pack("toothnet", [run], tmp_path / "new", rest=parent).build("toothnet").state_dict()
    old = parent.build("toothnet").state_dict()
    assert {name for name in child if name not in old} == {
        f"{NEW_HEAD}weight",
        f"{NEW_HEAD}bias",
    }
    assert all(torch.allclose(child[name], old[name], atol=1e-2) for name in old)


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


def options(folder: Path, output: Path, **changes: object) -> argparse.Namespace:
    given = {
        "recipe": "locator", "cases": str(folder), "output": str(output), "steps": 2, "seed": 0,
        "learning_rate": None, "device": "cpu", "resume": False, "quiet": True, "init": None,
        "scans": None, "scan_share": None,
    }  # fmt: skip
    return argparse.Namespace(**{**given, **changes})


def test_the_command_trains_and_goes_on(folder: Path, tmp_path: Path) -> None:
    assert pretrain_command.run(options(folder, tmp_path)) == 0
    with pytest.raises(InputError, match="--resume"):
        pretrain_command.run(options(folder, tmp_path))
    assert pretrain_command.run(options(folder, tmp_path, steps=3, resume=True)) == 0
    assert load_checkpoint(tmp_path / "checkpoint.safetensors").state["step"] == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": None}, "--cases"),
        ({"steps": 0}, "0"),
        ({"seed": 10**13}, "--seed 10000000000000: give 0 to 4294967295"),
    ],
)
def test_the_command_refuses(
    change: dict[str, object], words: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        pretrain_command.run(options(folder, tmp_path, **change))


def scans_of(folder: Path, seeds: tuple[int, ...]) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        case = make_case(seed, spacing_mm=1.0)
        image, labels = simulate_scan(
            case, seed, size=(48, 64, 64), spacing_mm=1.0, third_molars=True
        )
        write_volume(folder / f"case-{seed}.nrrd", image)
        write_volume(folder / f"case-{seed}-labels.nrrd", labels)
    return folder


def test_scans_are_learned_from_in_their_share_of_the_steps(
    cases: list[TensorCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = load_scans(scans_of(tmp_path / "scans", (5,)), TASKS["toothnet"])
    seen = []
    genuine = draw_mixed

    def watched(*args, **kwargs):  # type: ignore[no-untyped-def]
        seen.append(args[2])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(pretrain, "draw_mixed", watched)
    plan = Plan(steps=3, scan_share=0.4)
    assert len(list(train(TASKS["toothnet"], cases, tmp_path / "run", plan, scans=scans))) == 3
    assert seen == [0.6] * 3


def test_the_command_takes_scans(folder: Path, tmp_path: Path) -> None:
    scans = scans_of(tmp_path / "scans", (5,))
    assert pretrain_command.run(options(folder, tmp_path / "run", scans=str(scans))) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scans": "nowhere"}, "--third-molars"),
        ({"scan_share": 1.0}, "--scan-share 1"),
        ({"scan_share": 0.5}, "--scans"),
    ],
)
def test_the_command_refuses_scans_that_are_none(
    folder: Path, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        pretrain_command.run(options(folder, tmp_path / "run", **change))
