"""The article's experiments, trained and measured as its recipes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.formats.scan_checksum import voxels_sha256
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.training.article_results import Settings, article_card, write_log
from ToothSegLib.training.figures import category_figures, tooth_figures
from ToothSegLib.training.on_device import choose_machine
from ToothSegLib.training.pieces import Pieces, find
from ToothSegLib.training.recipes import Recipe, Stage, split
from ToothSegLib.training.run_folder import BUNDLE, refuse_others_bundle
from ToothSegLib.training.stage_trainer import StageTrainer, Watcher
from ToothSegLib.training.turned_scan import TurnedScan, turned_scans


@dataclass(frozen=True)
class TrainingResult:
    """What a recipe gives: a bundle, a log, and its figures by network."""

    bundle: Bundle
    log: Path
    figures: dict[str, Any]


def train_recipe(
    recipe: Recipe,
    image: NDArray,
    labels: NDArray,
    out_dir: str | Path,
    *,
    epochs: int | None = None,
    device: str = "auto",
    seed: int = 0,
    resume: bool = False,
    init_weights: Mapping[str, Mapping[str, torch.Tensor]] | None = None,
    checkpoint_every: int = 10,
    max_pieces: int | None = None,
    mixed: bool = True,
    trained_on: str = "one labelled scan",
    progress: Watcher | None = None,
) -> TrainingResult:
    """Train a recipe's networks on one labelled scan and look at held-out turns of it.

    Args:
        recipe: one of `recipes.RECIPES`, or a variant of one.
        image: (z, y, x) grey values on the working grid (canonical axes, 0.5 mm).
        labels: (z, y, x) FDI numbers of the teeth.
        out_dir: gets `bundle/`, `log.csv` and one checkpoint a network.
        epochs: of each network; the recipe's own number if None.
        device: auto, cpu, cuda or mps.
        seed: of the first weights and of the order of pieces.
        resume: go on with the checkpoints in `out_dir`; the result is that of one unbroken run.
            More epochs can be asked for, but not where a network has learned from what the one
            before it found after fewer.
        init_weights: role -> `state_dict()` to start from.
        checkpoint_every: epochs between two checkpoints.
        max_pieces: pieces seen in an epoch, drawn anew for each; all if None.
        mixed: compute in half precision where the device has it.
        trained_on: what the bundle's card says of the scan.
        progress: called after each step.

    Raises:
        InputError: scan, labels or options cannot be used, or the folder holds another training.
        BundleError: weights to start from, or checkpoints, are damaged or do not fit.
        OutputError: something cannot be written.
    """
    settings = Settings(
        recipe=recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        seed=seed,
        max_pieces=max_pieces,
        checkpoint_every=checkpoint_every,
        started_from=tuple(sorted(init_weights or {})),
        trained_on=trained_on,
        labels_sha256=voxels_sha256(labels),
    )
    machine = choose_machine(device, mixed=mixed)
    scans = turned_scans(image, labels)
    learn, look = split(len(scans))
    folder = _prepare_folder(Path(out_dir), recipe, resume)

    trainers = [
        StageTrainer(
            settings=settings,
            stage=stage,
            machine=machine,
            checkpoint=_checkpoint(folder, stage),
            weights=(init_weights or {}).get(stage.role),
            watcher=progress,
        )
        for stage in recipe.stages
    ]
    # Of all before the first goes on, lest its checkpoint leave the others' behind.
    for trainer in trainers:
        trainer.refuse_other()

    states, figures, history = {}, {}, []
    found: dict[int, NDArray[np.uint8]] = {}
    for stage, trainer in zip(recipe.stages, trainers, strict=True):
        shown = _shown(stage, scans, found)
        network = trainer.run(Pieces(stage, [shown[index] for index in learn]))
        # The next stage learns from what this one finds; nobody needs the last one's on all turns.
        wanted = look if stage is recipe.stages[-1] else range(len(scans))
        found = {index: find(network, stage, shown[index], machine) for index in wanted}
        measure = category_figures if stage.categorical else tooth_figures
        figures[stage.role] = measure([(found[i], scans[i].categories) for i in look])
        states[stage.role] = network.state_dict()
        history += [{"network": stage.role, **row} for row in trainer.history]

    log = folder / "log.csv"
    write_log(log, history)
    card = article_card(settings, figures, [scans[index].degrees for index in look])
    return TrainingResult(write_bundle(folder / BUNDLE, card, states), log, figures)


def _shown(
    stage: Stage, scans: Sequence[TurnedScan], found: Mapping[int, NDArray[np.uint8]]
) -> list[TurnedScan]:
    """The scans as a stage sees them."""
    if stage.mask == "truth":
        return [scan.masked(scan.teeth) for scan in scans]
    if stage.mask == "found":
        return [scan.masked(found[index] > 0) for index, scan in enumerate(scans)]
    return list(scans)


def _checkpoint(folder: Path, stage: Stage) -> Path:
    return folder / f"{stage.role}.checkpoint.safetensors"


def _prepare_folder(folder: Path, recipe: Recipe, resume: bool) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    own = [_checkpoint(folder, stage) for stage in recipe.stages]
    # Of an experiment with other networks, of a bundle that learns on, or of simulated cases.
    others = sorted(set(folder.glob("*checkpoint.safetensors")) - set(own))
    if others:
        raise InputError(f"{others[0]} is of another training: name another folder")
    old = [path for path in own if path.exists()]
    if old and not resume:
        raise InputError(f"{old[0]} is of an earlier training: resume it, or name another folder")
    if not old:
        refuse_others_bundle(folder)
    return folder
