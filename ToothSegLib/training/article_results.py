"""What a training of the article is told, and what it leaves: a log and a bundle's card."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import InputError
from ToothSegLib.seeds import check_seed
from ToothSegLib.training.preparation import PAD_MULTIPLE
from ToothSegLib.training.recipes import Recipe, Stage

LIMITS = [
    "Learned from one scan and measured on held-out turns of that same scan: the figures say "
    "nothing about other scans.",
    "Knows one kind of picture only: canonical axes, 0.5 mm, cropped to the jaws, grey values "
    "from the scan's minimum to its maximum.",
]


@dataclass(frozen=True)
class Settings:
    """The choices of one training; fields as in `article.train_recipe`, and the labels' checksum.

    Raises:
        InputError: one is out of range.
    """

    recipe: Recipe
    epochs: int
    seed: int = 0
    max_pieces: int | None = None
    checkpoint_every: int = 10
    started_from: tuple[str, ...] = ()
    trained_on: str = ""
    labels_sha256: str = ""

    def __post_init__(self) -> None:
        lowest = {"epochs": 1, "max_pieces": 1, "checkpoint_every": 1}
        for name, least in lowest.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} is at least {least}, not {value}")
        check_seed(self.seed)
        roles = [stage.role for stage in self.recipe.stages]
        for role in self.started_from:
            if role not in roles:
                raise InputError(
                    f"{self.recipe.name} has no network {role!r} to start: "
                    f"it has {', '.join(roles)}"
                )


def write_log(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Network, epoch, loss and seconds as CSV. Raises OutputError."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["network", "epoch", "loss", "seconds"])
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def article_card(
    settings: Settings, figures: Mapping[str, Any], angles: Sequence[float]
) -> dict[str, Any]:
    """The card of a trained recipe; `angles` are those of the held-out turns, in degrees."""
    recipe = settings.recipe
    turns = ", ".join(f"{angle:g}" for angle in angles)
    return {
        "name": recipe.name,
        "title": recipe.title,
        "kind": "published-cascade",
        "networks": {stage.role: _entry(stage) for stage in recipe.stages},
        "trained_on": settings.trained_on,
        "figures": {"measured_on": f"the same scan turned by {turns} degrees", **figures},
        "limits": LIMITS,
        "licence": "that of the scan it learned from",
        "created": date.today().isoformat(),
        "lineage": {
            "recipe": recipe.name,
            "optimiser": recipe.optimiser,
            "learning_rate": recipe.learning_rate,
            "epochs": settings.epochs,
            "seed": settings.seed,
            "max_pieces": settings.max_pieces,
            "started_from": list(settings.started_from),
        },
    }


def _entry(stage: Stage) -> dict[str, Any]:
    return {
        "architecture": stage.architecture,
        "preparation": {
            "spacing_mm": 0.5,
            "multiple": PAD_MULTIPLE,
            "grey_values": "minimum to maximum -> 0..1",
            "axis": stage.axis,
            "thickness": stage.thickness,
            "mask": stage.mask,
        },
    }
