"""What a fine-tuning is told, and the record in its folder by which it goes on as it began."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.seeds import check_seed

RECORD = "run.json"


@dataclass(frozen=True)
class Plan:
    """The choices of one fine-tuning.

    Args:
        networks: roles to tune, in this order; all of the bundle's if empty.
        steps: of each network, at most.
        learning_rate: the highest; see `learning_step.schedule`.
        weight_decay: of AdamW.
        seed: of the split, of the simulated heads that are drawn, and of every patch.
        held_out: share of the patients to judge by.
        simulated: heads to draw where none are given.
        simulated_share: of the steps, that learn from simulated heads so that nothing is forgotten.
        check_every: steps between two looks at the held-out cases.
        guards: simulated heads on which a network must be as good as its parent; 0: the tuned
            weights are taken as they are.
        patience: looks in a row that are no better after which a network is done.
        mixed: half precision where the device has it: faster, but not the same to the last bit.

    Raises:
        InputError: one is out of range.
    """

    networks: tuple[str, ...] = ()
    steps: int = 600
    learning_rate: float = 3e-4
    weight_decay: float = 1e-3
    seed: int = 0
    held_out: float = 0.25
    simulated: int = 8
    simulated_share: float = 0.5
    check_every: int = 100
    patience: int = 3
    mixed: bool = False
    guards: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "check_every", "patience", "simulated"):
            if getattr(self, name) < 1:
                raise InputError(f"{_option(name)} {getattr(self, name)}: give at least 1")
        if len(set(self.networks)) < len(self.networks):
            raise InputError(f"--networks {' '.join(self.networks)}: name each network once")
        check_seed(self.seed)
        if self.guards < 0:
            raise InputError(f"--guards {self.guards}: give 0 or more")
        if not self.learning_rate > 0:
            raise InputError(f"--learning-rate {self.learning_rate:g}: give a number above 0")
        if not 0 <= self.simulated_share < 1:
            raise InputError(
                f"--simulated-share {self.simulated_share:g}: give 0 or more and less than 1"
            )
        if not 0 < self.held_out < 1:
            raise InputError(f"--held-out {self.held_out:g}: give a share between 0 and 1")


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write what a run began with. Raises OutputError."""
    with replacing(folder / RECORD) as file:
        file.write((json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def read_record(folder: Path) -> dict[str, Any]:
    """What a run began with. Raises InputError if it is missing or damaged."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        recorded_plan(record)
        for side in ("learned", "held_out"):
            for entry in record["data"][side]:
                str(entry["case"]), int(entry["revision"]), str(entry["scan"])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except UNSOUND_JSON as error:
        raise InputError(f"{path} is no record of a fine-tuning ({error!r:.100})") from None
    return dict(record)


def check_same(folder: Path, record: Mapping[str, Any], plan: Plan, parent: object) -> None:
    """Refuse to go on with a run that was begun otherwise.

    Raises:
        InputError: an option, the bundle or the number of processes is another one.
    """
    theirs = recorded_plan(record)
    for item in fields(Plan):
        before, now = getattr(theirs, item.name), getattr(plan, item.name)
        if before != now:
            raise InputError(
                f"{folder} was begun with {_option(item.name)} {_word(before)}, not {_word(now)}: "
                "resume it with the same options, or name another folder"
            )
    if record["parent"] != parent:
        raise InputError(f"{folder} was begun from another bundle: resume it with the same --from")


def recipe_of(plan: Plan) -> dict[str, Any]:
    """A plan for JSON."""
    return {**asdict(plan), "networks": list(plan.networks)}


def recorded_plan(record: Mapping[str, Any]) -> Plan:
    """The plan of a run's record."""
    return Plan(**_plan_values(record["recipe"]))


def _plan_values(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {**recipe, "networks": tuple(recipe["networks"])}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _word(value: object) -> str:
    return " ".join(map(str, value)) or "all" if isinstance(value, tuple) else str(value)
