"""Training on simulated cases: pictures are made as they are needed and never twice the same.

Every step's chance comes from the seed and the step's number alone, so a run that was stopped and
resumed draws the same patches as one that was not. On a processor, in float32, it ends with the
same weights to the bit; in bfloat16 some processors' kernels do not repeat themselves to the last
digit, nor on CUDA does the gradient of `max_pool3d`.

The weights that ship are a running mean of the trained ones (Polyak averaging), which a short
training gains from.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ToothSegLib.compute.devices import training_half_type
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import BundleError, InputError, OutputError, one_line
from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.seeds import check_seed
from ToothSegLib.synthesis.case import PROSTHESIS_LABEL, load_case
from ToothSegLib.synthesis.sampling import Patch, TensorCase
from ToothSegLib.toothnet import NEW_HEAD
from ToothSegLib.training.checkpoint import load_checkpoint, refuse_other, save_checkpoint
from ToothSegLib.training.labelled_scan import read_labelled_scan
from ToothSegLib.training.learning_step import Averaged, schedule, take_step
from ToothSegLib.training.on_device import Machine
from ToothSegLib.training.preparation import check_fdi
from ToothSegLib.training.samples import draw_mixed, draw_sample
from ToothSegLib.training.scan_case import ScanCase, task_case
from ToothSegLib.training.tasks import Task, build
from ToothSegLib.volume import Volume

CHECKPOINT = "checkpoint.safetensors"
_LABELS = "-labels.nrrd"


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Raises:
        InputError: the seed is out of range.
    """

    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    seed: int = 0
    checkpoint_every_s: float = 180.0
    device: str = "cpu"
    scan_share: float = 0.25  # of the steps, that learn from scans, where there are any
    only: str = ""  # the part of the network that learns, such as "prosthesis_head"; all if empty

    def __post_init__(self) -> None:
        check_seed(self.seed)


def load_cases(folder: Path) -> list[TensorCase]:
    """All cases of a folder, in order of their names.

    Raises:
        InputError: there is none, or one cannot be read.
    """
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise InputError(f"no cases (*.npz) in {folder}; make some with 'toothseg simulate'")
    return [TensorCase.of(load_case(path)) for path in paths]


def load_scans(folder: Path, task: Task) -> list[ScanCase]:
    """All scans of a folder with their labels, ``NAME.nrrd`` and ``NAME-labels.nrrd``, as the task
    sees them, in order of their names.

    What the labels give `PROSTHESIS_LABEL` is no tooth, and is known to be a prosthesis.

    Raises:
        InputError: there is none, one cannot be read, or its labels are not on its grid or hold
            numbers that are no teeth's.
    """
    paths = sorted(Path(folder).glob(f"*{_LABELS}"))
    if not paths:
        raise InputError(
            f"no scans (*{_LABELS}) in {folder}; make some with 'toothseg simulate --physics "
            "--third-molars --mark-implants'"
        )
    return [_load_scan(path, task) for path in paths]


def _load_scan(labels_path: Path, task: Task) -> ScanCase:
    image_path = labels_path.with_name(labels_path.name.removesuffix(_LABELS) + ".nrrd")
    image, labels = read_labelled_scan(image_path, labels_path)
    made = labels.array == PROSTHESIS_LABEL
    labels = labels.with_array(np.where(made, 0, labels.array))
    try:
        check_fdi(labels.array)
    except InputError as error:
        raise InputError(f"{labels_path}: {error}") from None
    marked = labels.with_array(made.astype(np.uint8))
    return task_case(image, labels, task, prostheses=partial(_on_grid, marked))


def _on_grid(mask: Volume, grid: Volume) -> NDArray[np.bool_]:
    place = grid.spacing, grid.origin, grid.direction
    return resample(to_itk(mask), grid.shape, *place, how="nearest") > 0


def train(
    task: Task,
    cases: Sequence[TensorCase],
    folder: Path,
    plan: Plan,
    weights: Mapping[str, torch.Tensor] | None = None,
    scans: Sequence[ScanCase] = (),
    parent: Mapping[str, Any] | None = None,
) -> Iterator[dict]:
    """Train, or go on with, the run in ``folder``; yields the figures of every step.

    The folder holds `checkpoint.safetensors` and `log.csv`. A finished run yields nothing.

    Args:
        task: what to learn.
        cases: what to learn from.
        folder: of the run.
        plan: how long and how fast.
        weights: to start a new run from, instead of random ones; a run that goes on has its own.
        scans: to learn from as well, in `Plan.scan_share` of the steps.
        parent: the bundle that ``weights`` are of, as `lineage.as_parent` names it, to be
            remembered; a run that goes on has its own.

    Raises:
        BundleError: the folder's checkpoint or ``weights`` are of another network.
        OutputError: a checkpoint cannot be written.
        InputError: the folder's checkpoint is of a run with another task, seed or learning rate;
            the loss is no number any more; or the device has too little memory, is lost, or cannot
            do it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    learner = _Learner.of(task, plan, weights)
    checkpoint = folder / CHECKPOINT
    first = 0
    if checkpoint.exists():
        state = learner.go_on_from(checkpoint)
        first = int(state["step"])
        parent = state.get("parent")
    if first >= plan.steps:
        return
    _forget_steps(folder / "log.csv", first)
    draw = partial(_draw, task, plan, cases, scans)
    yield from _learn(learner, draw, folder, first, {**learner.identity, "parent": parent})


@dataclass(frozen=True)
class _Learner:
    """A network that learns a task, with the running mean of its weights, on a device."""

    task: Task
    plan: Plan
    machine: Machine
    pair: Averaged
    optimiser: torch.optim.Optimizer

    @classmethod
    def of(cls, task: Task, plan: Plan, weights: Mapping[str, torch.Tensor] | None) -> _Learner:
        """One that has learned nothing yet; see `train`."""
        torch.manual_seed(plan.seed)
        network = build(task)
        if weights is not None:
            _start_from(network, weights)
        device = torch.device(plan.device)
        machine = Machine(device, training_half_type(device))
        with machine.working():
            pair = Averaged(network).to(device)
        machine.place(pair.network, 3)
        optimiser = torch.optim.AdamW(
            _learning(pair.network, plan.only),
            lr=plan.learning_rate,
            weight_decay=plan.weight_decay,
        )
        return cls(task, plan, machine, pair, optimiser)

    @property
    def identity(self) -> dict[str, Any]:
        """What a run that goes on must have been begun with, too."""
        return {
            "task": self.task.name,
            "seed": self.plan.seed,
            "learning_rate": self.plan.learning_rate,
            "magnification": self.task.magnification,
            "only": self.plan.only or "everything",
        }

    def go_on_from(self, checkpoint: Path) -> dict[str, Any]:
        """Be as in a checkpoint, whose state is returned.

        Raises:
            BundleError, InputError: it is of another network or run, see `train`.
        """
        saved = load_checkpoint(checkpoint)
        refuse_other(checkpoint, saved.state, self.identity)
        saved.restore(self.pair, self.optimiser)
        return saved.state

    def learn(self, image: torch.Tensor, patch: Patch, step: int) -> dict[str, float]:
        """One step; its figures."""
        rate = self.plan.learning_rate * schedule(step, self.plan.steps)
        return take_step(
            self.task, self.pair, self.optimiser, image, patch, self.machine, rate, step
        )


def _draw(
    task: Task, plan: Plan, cases: Sequence[TensorCase], scans: Sequence[ScanCase], step: int
) -> tuple[torch.Tensor, Patch]:
    """What a step learns from."""
    if not scans:
        return draw_sample(cases, task, plan.seed, step)
    return draw_mixed(scans, cases, 1.0 - plan.scan_share, task, plan.seed, step)


def _learn(
    learner: _Learner,
    draw: Callable[[int], tuple[torch.Tensor, Patch]],
    folder: Path,
    first: int,
    known: Mapping[str, Any],
) -> Iterator[dict]:
    """The steps from ``first`` on, in the log and, now and then, in the checkpoint.

    Args:
        learner: as it is before them.
        draw: what a step learns from.
        folder: of the run.
        first: step to begin with.
        known: of the run, to be remembered in the checkpoint.
    """
    plan = learner.plan
    with (
        open(folder / "log.csv", "a", newline="") as stream,
        # The next picture is made while the network learns from this one.
        ThreadPoolExecutor(max_workers=1) as studio,
    ):
        log = csv.writer(stream)
        coming = studio.submit(draw, first)
        last_saved = time.monotonic()
        for step in range(first, plan.steps):
            started = time.monotonic()
            image, patch = coming.result()
            if step + 1 < plan.steps:
                coming = studio.submit(draw, step + 1)
            figures = learner.learn(image, patch, step)
            figures["seconds"] = time.monotonic() - started
            log.writerow([step, *(f"{name}={value:.4g}" for name, value in figures.items())])
            done = step + 1 == plan.steps
            if done or time.monotonic() - last_saved > plan.checkpoint_every_s:
                stream.flush()
                state = {"step": step + 1, **known}
                save_checkpoint(folder / CHECKPOINT, learner.pair, learner.optimiser, state)
                last_saved = time.monotonic()
            yield {"step": step + 1, **figures}


def _learning(network: torch.nn.Module, only: str) -> list[torch.nn.Parameter]:
    """The parameters that learn; the others are told that they do not.

    Raises:
        InputError: the network has no such part.
    """
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not only or name.startswith(f"{only}."))
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not learning:
        parts = ", ".join(name for name, _ in network.named_children())
        raise InputError(f"the network has no part {only!r}: choose from {parts}")
    return learning


def _forget_steps(log: Path, first: int) -> None:
    """Take the rows of the steps from ``first`` on, which will be done again, out of the log."""
    if not log.exists():
        return
    kept = []
    for row in log.read_bytes().splitlines(keepends=True):
        step, comma, _ = row.partition(b",")
        if comma and step.isdigit() and int(step) < first:
            kept.append(row)
    with replacing(log) as file:
        file.writelines(kept)


def _start_from(network: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    own = network.state_dict()
    # An output that the weights know nothing of is learned from nothing.
    heads = {name: own[name] for name in own if name.startswith(NEW_HEAD)}
    try:
        network.load_state_dict({**heads, **weights}, strict=True)
    except RuntimeError as error:
        raise BundleError(
            f"the weights to start from are of another network: {one_line(error):.200}"
        ) from None
