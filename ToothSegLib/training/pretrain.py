"""Training on simulated cases: pictures are made as they are needed and never twice the same.

Every step's chance comes from the seed and the step's number alone, so a run that was stopped and
resumed draws the same patches as one that was not. In float32 it ends with the same weights to the
bit; in bfloat16 some processors' kernels do not repeat themselves to the last digit.

The weights that ship are a running mean of the trained ones (Polyak averaging), which a short
training gains from.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ToothSegLib.devices import half_type
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.synthesis.case import load_case
from ToothSegLib.synthesis.pictures import draw_field_of_view, make_picture
from ToothSegLib.synthesis.sampling import Patch, TensorCase, sample_patch
from ToothSegLib.training.checkpoint import load_checkpoint, save_checkpoint
from ToothSegLib.training.machine import Machine
from ToothSegLib.training.tasks import Task, build

_AVERAGING = 0.995
_WARM_UP = 60


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    seed: int = 0
    checkpoint_every_s: float = 180.0
    device: str = "cpu"


class Averaged(nn.Module):
    """A network beside the running mean of its weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.average = deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def absorb(self, step: int) -> None:
        """Move the mean towards the present weights, faster in the beginning."""
        decay = min(_AVERAGING, (1 + step) / (10 + step))
        for mean, new in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1.0 - decay)
            else:
                mean.copy_(new)


def load_cases(folder: Path) -> list[TensorCase]:
    """All cases of a folder, in order of their names.

    Raises:
        InputError: there is none, or one cannot be read.
    """
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise InputError(f"no cases (*.npz) in {folder}; make some with 'toothseg simulate'")
    return [TensorCase.of(load_case(path)) for path in paths]


def draw_sample(
    cases: Sequence[TensorCase], task: Task, seed: int, step: int
) -> tuple[Tensor, Patch]:
    """The patch and picture of one step.

    Returns:
        image (1, 1, Z, Y, X), and the patch with its answers.
    """
    generator = torch.Generator().manual_seed(seed * 10_000_019 + step)
    case = cases[int(torch.randint(len(cases), (1,), generator=generator))]
    size = task.sizes[step % len(task.sizes)]
    patch = sample_patch(case, size, task.spacing_mm, generator)
    seen = draw_field_of_view(size, task.spacing_mm, generator)
    half = nn.functional.avg_pool3d(seen[None].float(), 2)[0] > 0.5
    patch = Patch(
        torch.where(seen, patch.tissue, 0), torch.where(seen, patch.labels, 0),
        torch.where(half, patch.types, 0), patch.offsets,
    )  # fmt: skip
    image = make_picture(patch.tissue, task.spacing_mm, generator)
    if task.stage2:
        image = image * _imperfect_mask(patch.labels > 0, generator)
    return image[None, None], patch


def train(task: Task, cases: Sequence[TensorCase], folder: Path, plan: Plan) -> Iterator[dict]:
    """Train, or go on with, the run in ``folder``; yields the figures of every step.

    The folder holds `checkpoint.safetensors` and `log.csv`. A finished run yields nothing.

    Raises:
        BundleError: the folder's checkpoint is of another network.
        OutputError: a checkpoint cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    torch.manual_seed(plan.seed)
    pair = Averaged(build(task)).to(plan.device)
    pair.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        pair.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
    )
    checkpoint = folder / "checkpoint.safetensors"
    first = 0
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint)
        saved.restore(pair, optimiser)
        first = int(saved.state["step"])
    if first >= plan.steps:
        return
    with (
        open(folder / "log.csv", "a", newline="") as stream,
        # The next picture is made while the network learns from this one.
        ThreadPoolExecutor(max_workers=1) as studio,
    ):
        log = csv.writer(stream)
        coming = studio.submit(draw_sample, cases, task, plan.seed, first)
        last_saved = time.monotonic()
        for step in range(first, plan.steps):
            started = time.monotonic()
            image, patch = coming.result()
            if step + 1 < plan.steps:
                coming = studio.submit(draw_sample, cases, task, plan.seed, step + 1)
            figures = _step(task, pair, optimiser, image, patch, plan, step)
            figures["seconds"] = time.monotonic() - started
            log.writerow([step, *(f"{name}={value:.4g}" for name, value in figures.items())])
            done = step + 1 == plan.steps
            if done or time.monotonic() - last_saved > plan.checkpoint_every_s:
                stream.flush()
                save_checkpoint(checkpoint, pair, optimiser, {"step": step + 1, "task": task.name})
                last_saved = time.monotonic()
            yield {"step": step + 1, **figures}


def _step(
    task: Task,
    pair: Averaged,
    optimiser: torch.optim.Optimizer,
    image: Tensor,
    patch: Patch,
    plan: Plan,
    step: int,
) -> dict[str, float]:
    for group in optimiser.param_groups:
        group["lr"] = plan.learning_rate * _schedule(step, plan.steps)
    device = torch.device(plan.device)
    machine = Machine(device, _half(device))
    image = machine.place_batch(image)
    patch = Patch(
        *(field.to(device) for field in (patch.tissue, patch.labels, patch.types, patch.offsets))
    )
    pair.network.train()
    with machine.autocast():
        output = pair.network(image)
    losses = task.loss(output, patch)
    total = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    nn.utils.clip_grad_norm_(pair.network.parameters(), 2.0)
    optimiser.step()
    pair.absorb(step)
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _half(device: torch.device) -> torch.dtype | None:
    """bfloat16 where it pays: its range needs no loss scaling."""
    return torch.bfloat16 if half_type(device) is not None else None


def _schedule(step: int, steps: int) -> float:
    """A short warm-up, then a cosine down to 2 %."""
    if step < _WARM_UP:
        return (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))


def _imperfect_mask(truth: Tensor, generator: torch.Generator) -> Tensor:
    """A tooth mask with the errors of a first stage: grown, shrunk or with blurred borders."""
    noise = torch.randn(1, 1, *[max(2, n // 6) for n in truth.shape], generator=generator)
    rough = nn.functional.interpolate(noise, size=tuple(truth.shape), mode="trilinear")[0, 0]
    soft = nn.functional.avg_pool3d(truth[None, None].float(), 3, stride=1, padding=1)[0, 0]
    return (soft > 0.5 + 0.25 * rough).float()
