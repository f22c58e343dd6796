"""One network of a recipe, learnt from its pieces, with checkpoints."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ToothSegLib.errors import BundleError, InputError, one_line
from ToothSegLib.network import UNet
from ToothSegLib.training.article_results import Settings
from ToothSegLib.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    refuse_other,
    save_checkpoint,
)
from ToothSegLib.training.finite import check_finite
from ToothSegLib.training.losses import binary_dice_loss, category_dice_loss
from ToothSegLib.training.on_device import Machine
from ToothSegLib.training.pieces import Pieces
from ToothSegLib.training.recipes import Stage

_DIGITS = 12  # of a checksum, in a message


@dataclass(frozen=True)
class Step:
    """Where a training is, for whoever shows it."""

    role: str
    done: int  # steps of this network, those before a resume included
    total: int
    epoch: int  # from 1
    loss: float


Watcher = Callable[[Step], None]


@dataclass
class StageTrainer:
    """Trains the network of one stage.

    Args:
        settings: of the whole training.
        stage: which network, and how it is fed.
        machine: where it computes.
        checkpoint: file to put the training by in; one that is there is gone on from.
        weights: start from these instead of random ones.
        watcher: called after each step.
    """

    settings: Settings
    stage: Stage
    machine: Machine
    checkpoint: Path
    weights: Mapping[str, torch.Tensor] | None = None
    watcher: Watcher | None = None
    history: list[dict[str, Any]] = field(default_factory=list, init=False)

    def refuse_other(self) -> None:
        """Raise InputError if the checkpoint is of another training, BundleError if damaged."""
        if self.checkpoint.exists():
            self._saved()

    def run(self, pieces: Pieces) -> UNet:
        """The trained network; `history` then holds the loss and the seconds of each epoch.

        Raises:
            InputError: the checkpoint is of another training, or the loss is no number any more.
            BundleError: the checkpoint is damaged, or the starting weights do not fit.
            OutputError: a checkpoint cannot be written.
        """
        network = self._first_network()
        optimiser = self._optimiser(network)
        scaler = self.machine.scaler()
        if self.checkpoint.exists():
            self._resume(network, optimiser, scaler)
        epochs = self.settings.epochs
        for epoch in range(len(self.history), epochs):
            started = time.perf_counter()
            loss = self._epoch(epoch, network, optimiser, scaler, pieces)
            seconds = round(time.perf_counter() - started, 3)
            self.history.append({"epoch": epoch + 1, "loss": loss, "seconds": seconds})
            if (epoch + 1) % self.settings.checkpoint_every == 0 or epoch + 1 == epochs:
                state = {
                    "training": self._identity(),
                    "history": self.history,
                    "scaler": scaler.state_dict(),
                }
                save_checkpoint(self.checkpoint, network, optimiser, state)
        return network.eval()

    def _first_network(self) -> UNet:
        # On the CPU, so that a seed means the same weights everywhere.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            network = UNet(*self.stage.shape)
        if self.weights is not None:
            try:
                network.load_state_dict(dict(self.weights), strict=True)
            except RuntimeError as error:
                raise BundleError(
                    f"the weights to start from do not fit {self.stage.role} "
                    f"of {self.settings.recipe.name}: {one_line(error):.200}"
                ) from None
        self.machine.place(network, self.stage.dim)
        return network

    def _optimiser(self, network: UNet) -> torch.optim.Optimizer:
        recipe = self.settings.recipe
        kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.RMSprop
        return kind(network.parameters(), lr=recipe.learning_rate)

    def _identity(self) -> dict[str, Any]:
        """What two runs must share for one to go on with the other."""
        settings = self.settings
        identity = {
            "recipe": settings.recipe.name,
            "role": self.stage.role,
            "shape": list(self.stage.shape),
            "optimiser": settings.recipe.optimiser,
            "learning_rate": settings.recipe.learning_rate,
            "scan": settings.trained_on,
            "seed": settings.seed,
            "max_pieces": settings.max_pieces,
            "labels": settings.labels_sha256[:_DIGITS],
            "init": "none" if self.weights is None else _digits_of(self.weights),
        }
        if self.stage.mask == "found":
            identity["epochs_of_the_network_before"] = settings.epochs
        return identity

    def _saved(self) -> Checkpoint:
        saved = load_checkpoint(self.checkpoint)
        begun = saved.state.get("training")
        if not isinstance(begun, Mapping):  # a bundle has learned on here, say
            raise InputError(f"{self.checkpoint} is of another training: name another folder")
        refuse_other(self.checkpoint, begun, self._identity())
        return saved

    def _resume(
        self, network: UNet, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler
    ) -> None:
        saved = self._saved()
        done = len(saved.state["history"])
        if done > self.settings.epochs:
            raise InputError(
                f"{self.checkpoint} has {done} epochs behind it already: "
                f"ask for more than {self.settings.epochs}"
            )
        saved.restore(network, optimiser)
        if saved.state["scaler"]:  # begun where nothing needs to be scaled, there is none
            scaler.load_state_dict(saved.state["scaler"])
        self.history = saved.state["history"]

    def _epoch(
        self,
        epoch: int,
        network: UNet,
        optimiser: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        pieces: Pieces,
    ) -> float:
        # The order follows from seed and epoch alone: a resumed run needs no random state.
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(pieces))
        order = order[: self.settings.max_pieces]
        size = self.stage.batch_size
        steps = math.ceil(len(order) / size)
        network.train()
        losses = []
        for step in range(steps):
            number = epoch * steps + step + 1
            batch = pieces.batch(order[step * size :][:size].tolist())
            with self.machine.working():
                loss = self._learn(network, optimiser, scaler, *batch, number)
            losses.append(loss)
            if self.watcher is not None:
                total = self.settings.epochs * steps
                self.watcher(Step(self.stage.role, number, total, epoch + 1, loss))
        return sum(losses) / len(losses)

    def _learn(
        self,
        network: UNet,
        optimiser: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        images: torch.Tensor,
        targets: torch.Tensor,
        number: int,
    ) -> float:
        images = self.machine.place_batch(images)
        targets = targets.to(self.machine.device)
        loss_of = category_dice_loss if self.stage.categorical else binary_dice_loss
        optimiser.zero_grad(set_to_none=True)
        with self.machine.autocast():
            logits = network(images)
        loss = loss_of(logits, targets)
        # Not its gradient: the scaler leaves out a step whose gradient float16 cannot hold.
        check_finite(float(loss.detach()), self.stage.role, number)
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        return float(loss.detach())


def _digits_of(weights: Mapping[str, torch.Tensor]) -> str:
    """What stands for some weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:_DIGITS]
