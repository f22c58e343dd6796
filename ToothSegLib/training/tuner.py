"""One network of a bundle learns on, is judged on the way, and keeps its best weights.

A step's chance comes from the seed and its number alone, and a checkpoint holds weights, running
mean, moments and everything seen so far. So on a processor, in float32, a run that was stopped,
even killed, and resumed ends with the same bits as one that was not. On CUDA last digits may vary:
the gradient of `max_pool3d` has no deterministic implementation there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ToothSegLib.architectures import with_weights
from ToothSegLib.bundles.safetensors_io import read_safetensors, write_safetensors
from ToothSegLib.compute.devices import training_half_type
from ToothSegLib.errors import BundleError
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training.checkpoint import load_checkpoint, save_checkpoint
from ToothSegLib.training.course import Course, Step, write_course
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.learning_step import Averaged, schedule, take_step
from ToothSegLib.training.on_device import Machine
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.samples import draw_mixed
from ToothSegLib.training.skill import Skill
from ToothSegLib.training.tasks import Task

State = Mapping[str, Tensor]
_CHECKPOINT_EVERY_S = 180.0
_NOBODY = Skill(math.nan, math.nan)


@dataclass
class Tuner:
    """Fine-tunes one network.

    Args:
        task: what it learns, with the bundle's own architecture.
        start: the bundle's weights.
        scans, simulated: what it learns from.
        judge: skill of a bundle with these weights on the held-out cases; called in the first
            process alone.
        plan: how long, how fast, and when to stop.
        processes: who else learns along.
        folder: gets checkpoint, best weights, log and curve, each named by the task.
        watcher: called after each step.
    """

    task: Task
    start: State
    scans: Sequence[TensorCase]
    simulated: Sequence[TensorCase]
    judge: Callable[[State], Skill]
    plan: Plan
    processes: Processes
    folder: Path
    watcher: Callable[[Step], None] | None = None
    course: Course = field(default_factory=Course, init=False)

    def run(self) -> dict[str, Tensor]:
        """The best weights, on the CPU; those of the start if nothing was better.

        Raises:
            InputError: the loss is no number any more, or the device cannot do it.
            BundleError: a checkpoint is damaged.
            OutputError: a file cannot be written.
        """
        pair = Averaged(with_weights(self.task.architecture, self.start, self.task.name))
        machine = self._machine()
        with machine.working():
            pair.to(machine.device)
        machine.place(pair.network, 3)
        optimiser = torch.optim.AdamW(
            pair.network.parameters(),
            lr=self.plan.learning_rate,
            weight_decay=self.plan.weight_decay,
        )
        if self._file("checkpoint").exists():
            self._resume(pair, optimiser)
        if not self.course.checks:
            self._look(0, pair)
        if not self.course.finished:
            self._learn(pair, optimiser)
        if self.processes.first:
            self._show()
        return self._best_weights()

    def _learn(self, pair: Averaged, optimiser: torch.optim.Optimizer) -> None:
        machine = self._machine()
        forward = self.processes.joined(pair.network)
        first, steps = len(self.course.losses), self.plan.steps
        last_saved = time.monotonic()
        # The next picture is made while the network learns from this one.
        with ThreadPoolExecutor(max_workers=1) as studio:
            coming = studio.submit(self._draw, first)
            for step in range(first, steps):
                image, patch = coming.result()
                if step + 1 < steps:
                    coming = studio.submit(self._draw, step + 1)
                rate = self.plan.learning_rate * schedule(step, steps)
                terms = take_step(
                    self.task, pair, optimiser, image, patch, machine, rate, step, forward=forward
                )
                self.course.losses.append(sum(terms.values()))
                done = step + 1
                due = done % self.plan.check_every == 0 or done == steps
                if due:
                    self._look(done, pair)
                tired = self.course.looks_since_best >= self.plan.patience
                self.course.finished = done == steps or (due and tired)
                if due or time.monotonic() - last_saved > _CHECKPOINT_EVERY_S:
                    self._save(pair, optimiser)
                    last_saved = time.monotonic()
                if self.watcher is not None:
                    loss, dice = self.course.losses[-1], self.course.checks[-1][1].dice
                    self.watcher(Step(self.task.name, done, steps, loss, dice))
                if self.course.finished:
                    break

    def _machine(self) -> Machine:
        device = self.processes.device
        return Machine(device, training_half_type(device) if self.plan.mixed else None)

    def _draw(self, step: int) -> Any:
        # Each process has its own patches.
        number = step * self.processes.count + self.processes.rank
        plan = self.plan
        return draw_mixed(
            self.scans, self.simulated, plan.simulated_share, self.task, plan.seed, number
        )

    def _look(self, step: int, pair: Averaged) -> None:
        """Judge the running mean, and keep it if it is the best so far."""
        weights = {name: tensor.cpu() for name, tensor in pair.average.state_dict().items()}
        skill = self.processes.shared(self.judge(weights) if self.processes.first else _NOBODY)
        self.course.checks.append((step, skill))
        if self.processes.first and self.course.best[0] == step:
            write_safetensors(self._best_file(), weights)

    def _best_weights(self) -> dict[str, Tensor]:
        self.processes.wait()
        return read_safetensors(self._best_file())

    def _best_file(self) -> Path:
        # Named by its step: a run that is killed before its checkpoint goes on from an older one,
        # whose best weights must still be there.
        return self._file(f"best-{self.course.best[0]}")

    def _drop_older(self) -> None:
        for path in self.folder.glob(f"{self.task.name}.best-*.safetensors"):
            if path != self._best_file():
                path.unlink(missing_ok=True)

    def _save(self, pair: Averaged, optimiser: torch.optim.Optimizer) -> None:
        if not self.processes.first:
            return
        course = self.course
        state = {
            "task": self.task.name,
            "losses": course.losses,
            "checks": [(step, skill.dice, skill.f1) for step, skill in course.checks],
            "finished": course.finished,
        }
        save_checkpoint(self._file("checkpoint"), pair, optimiser, state)
        self._drop_older()
        self._show()

    def _resume(self, pair: Averaged, optimiser: torch.optim.Optimizer) -> None:
        saved = load_checkpoint(self._file("checkpoint"))
        saved.restore(pair, optimiser)
        try:
            self.course = Course(
                [float(loss) for loss in saved.state["losses"]],
                [(int(s), Skill(float(dice), float(f1))) for s, dice, f1 in saved.state["checks"]],
                bool(saved.state["finished"]),
            )
        except (KeyError, TypeError, ValueError):
            raise BundleError(
                f"{self._file('checkpoint')} is of no fine-tuning, or of one by an older ToothSeg: "
                "begin a new run in another folder"
            ) from None

    def _show(self) -> None:
        write_course(self.folder, self.task.name, self.course)

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.task.name}.{what}.safetensors"
