"""Trainings on a graphics device that is pretended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learning_fixture import SIZES, shrink, tiny_bundle, toy_dataset, toy_heads, toy_scan
from pretended_device import PretendedDevice
from ToothSegLib.architectures import build_network
from ToothSegLib.compute import devices
from ToothSegLib.compute.device_faults import DeviceMemoryError, DeviceUnfitError
from ToothSegLib.errors import InputError
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.case import load_case
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training import loop_trial
from ToothSegLib.training.article_results import Settings
from ToothSegLib.training.finetune import fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.learning_step import Averaged, take_step
from ToothSegLib.training.on_device import Machine, choose_machine
from ToothSegLib.training.pieces import Pieces, find
from ToothSegLib.training.pretrain import Plan as PretrainPlan
from ToothSegLib.training.pretrain import train
from ToothSegLib.training.processes import Processes, learning_together
from ToothSegLib.training.recipes import RECIPES
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.stage_trainer import StageTrainer
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.training.turned_scan import TurnedScan

KINDS = ("cuda", "mps")
ARCHITECTURES = {
    "toothnet": {"class": "ToothNet", "widths": [4, 4, 4, 4], "edge_width": 2, "prosthesis": True},
    **{
        role: {**TASKS[role].architecture, "start_filters": 2}
        for role in ("locator", "stage1", "stage2")
    },
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> TensorCase:
    folder = toy_heads(tmp_path_factory.mktemp("heads") / "heads")
    return TensorCase.of(load_case(folder / "3.npz"))


def test_bfloat16_only_where_the_card_has_it() -> None:
    for native, half in ((True, torch.bfloat16), (False, None)):
        with PretendedDevice("cuda", bfloat16=native):
            assert devices.training_half_type("cuda:0") is half
    with PretendedDevice("mps"):
        assert devices.training_half_type("mps") is None


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with (
        PretendedDevice("cuda", count=2),
        pytest.raises(InputError, match="process 3 has no GPU of its own, for there are 2"),
        learning_together(),
    ):
        pass
    with (
        PretendedDevice("mps"),
        pytest.raises(InputError, match="mps: use --device cpu"),
        learning_together("mps"),
    ):
        pass


def test_the_trial_of_the_loop_takes_the_fastest_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(folder: Path, parent: Bundle, plan: Plan, processes: Processes, **_: object) -> None:
        raise InputError(f"on {processes.device}")

    words = ["loop_trial", "-o", str(tmp_path), "--device", "auto"]
    monkeypatch.setattr(loop_trial, "run_trial", stop)
    monkeypatch.setattr("sys.argv", words)
    with PretendedDevice("cuda"):
        assert loop_trial.main() == 2
    assert "on cuda" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ARCHITECTURES)
def test_a_step_learns_what_it_learns_on_the_processor(
    case: TensorCase, role: str, kind: str
) -> None:
    task = replace(TASKS[role], sizes=SIZES)
    image, patch = draw_sample([case], task, 1, 0)
    if role == "toothnet":
        patch = replace(patch, prosthesis=patch.tooth > 0.9)
    torch.manual_seed(0)
    start = build_network(ARCHITECTURES[role]).state_dict()

    def learn(name: str) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
        machine = Machine(torch.device(name))
        network = build_network(ARCHITECTURES[role])
        network.load_state_dict(start)
        pair = Averaged(network).to(name)
        machine.place(pair.network, 3)
        optimiser = torch.optim.AdamW(pair.network.parameters(), lr=1e-3)
        terms = [take_step(task, pair, optimiser, image, patch, machine, 1e-3, n) for n in range(2)]
        return terms, {key: value.cpu() for key, value in pair.average.state_dict().items()}

    right, weights = learn("cpu")
    with PretendedDevice(kind) as device:
        found, there = learn(kind)
    assert any("backward" in kernel for kernel in device.kernels)
    assert any("norm" in kernel for kernel in device.kernels)
    for one, other in zip(found, right, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for name, tensor in weights.items():
        torch.testing.assert_close(there[name], tensor, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_is_begun_and_gone_on_with(case: TensorCase, tmp_path: Path, kind: str) -> None:
    task = replace(TASKS["toothnet"], architecture=ARCHITECTURES["toothnet"], sizes=SIZES)
    with PretendedDevice(kind, bfloat16=False):
        for steps in (1, 2):
            told = list(train(task, [case], tmp_path, PretrainPlan(steps, device=kind)))
            assert [figures["step"] for figures in told] == [steps]
    # Elsewhere as well.
    assert list(train(task, [case], tmp_path, PretrainPlan(3)))[0]["step"] == 3


def test_a_full_device_ends_a_training_in_a_line(case: TensorCase, tmp_path: Path) -> None:
    def full(kernel: str) -> None:
        if "backward" in kernel:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    task = replace(TASKS["locator"], architecture=ARCHITECTURES["locator"], sizes=SIZES)
    with (
        PretendedDevice("cuda", error=full),
        pytest.raises(DeviceMemoryError, match=r"^the cuda device .* this training: [^\n]*$"),
    ):
        list(train(task, [case], tmp_path, PretrainPlan(1, device="cuda")))


@pytest.mark.parametrize(
    "error", ["CUDA error: an illegal memory access was encountered\nCompile with", ""]
)
def test_whatever_else_fails_ends_a_training_in_a_line(
    case: TensorCase, tmp_path: Path, error: str
) -> None:
    def fail(kernel: str) -> None:
        if "backward" in kernel:
            raise RuntimeError(error)

    task = replace(TASKS["locator"], architecture=ARCHITECTURES["locator"], sizes=SIZES)
    with (
        PretendedDevice("cuda", error=fail),
        pytest.raises(DeviceUnfitError, match=r"^the cuda device [^\n]*--device cpu[^\n]*$"),
    ):
        list(train(task, [case], tmp_path, PretrainPlan(1, device="cuda")))


def test_a_training_is_tried_in_the_numbers_that_it_computes_in() -> None:
    """Not in float32, in which a card may be right that learns nothing in float16."""
    network = build_network(ARCHITECTURES["locator"])
    with PretendedDevice("cuda", broken=torch.float16):
        with pytest.raises(DeviceUnfitError, match="in half precision it computes"):
            choose_machine().place(network, 3)
        choose_machine(mixed=False).place(network, 3)


def test_fine_tuning_is_judged_where_it_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch)
    tiny_bundle(tmp_path / "toy")
    toy_dataset(tmp_path / "set", 3)
    plan = Plan(networks=("locator",), steps=1, check_every=1, guards=0, held_out=0.5)
    with PretendedDevice("cuda"):
        made = fine_tune(
            tmp_path / "set",
            load_bundle(tmp_path / "toy"),
            tmp_path / "run",
            plan,
            Processes(torch.device("cuda", 0)),
            heads=toy_heads(tmp_path / "heads"),
        )
    assert made.after


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [0, -1])
def test_the_article_is_learnt_begun_on_the_processor(
    tmp_path: Path, kind: str, number: int
) -> None:
    recipe = list(RECIPES.values())[number]
    stage = recipe.stages[-1]
    stage = replace(stage, shape=(stage.dim, 1, stage.shape[2], 2, 2), mask="none")
    image, labels = toy_scan(0)
    grey = (image.array[:16, :32, :32] / 2000.0).astype(np.float32)
    teeth = labels.array[:16, :32, :32] > 0
    scan = TurnedScan(0.0, grey, teeth.astype(np.uint8))
    settings = Settings(recipe=recipe, epochs=1, seed=0, max_pieces=2, checkpoint_every=1)

    def learn(machine: Machine, epochs: int) -> StageTrainer:
        trainer = StageTrainer(
            replace(settings, epochs=epochs), stage, machine, tmp_path / "a.safetensors"
        )
        network = trainer.run(Pieces(stage, [scan]))
        assert find(network, stage, scan, machine).shape == grey.shape
        return trainer

    learn(Machine(torch.device("cpu")), 1)
    with PretendedDevice(kind) as device:
        assert len(learn(choose_machine(), 2).history) == 2
        assert len(learn(choose_machine(), 3).history) == 3
    assert (torch.float16 in device.types) == (kind == "cuda")
