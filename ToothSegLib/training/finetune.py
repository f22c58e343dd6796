"""A bundle learns on from reviewed scans: the corrected teeth of today are the weights of tomorrow.

The networks are tuned one after the other, each judged within the whole cascade on the held-out
cases, as a user would see it. Simulated heads are mixed in (rehearsal, as in Robins, Connection
Science 1995), so that what the parent could do it still can.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.reviewed import ReviewedCase, reviewed_case, reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice, outcomes_on
from ToothSegLib.lineage import as_parent, learned_scans
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.report import software_versions
from ToothSegLib.training.finetune_plan import (
    Plan,
    check_same,
    read_record,
    recipe_of,
    recorded_plan,
    write_record,
)
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.rehearsal import simulated_heads
from ToothSegLib.training.run_folder import run_folder
from ToothSegLib.training.scan_case import scan_case
from ToothSegLib.training.split import Split, split_by_patient
from ToothSegLib.training.tasks import TASKS, Task
from ToothSegLib.training.tuner import Course, Step, Tuner

States = dict[str, dict[str, Tensor]]
_CANDIDATE = "candidate"


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tuning gives.

    Attributes:
        bundle: parent and data are in its card's lineage.
        courses: of each network.
        before, after: the parent's and the bundle's results on the held-out cases.
    """

    bundle: Bundle
    courses: dict[str, Course]
    before: list[Outcome]
    after: list[Outcome]


def fine_tune(
    dataset: Path,
    parent: Bundle,
    folder: Path,
    plan: Plan,
    processes: Processes,
    *,
    heads: Path | None = None,
    resume: bool = False,
    watcher: Callable[[Step], None] | None = None,
) -> FineTuned:
    """Tune a bundle's networks on the reviewed cases of a data set.

    Args:
        dataset: folder of a `dataset.folder.Dataset`.
        parent: where to start from; stays as it is.
        folder: gets `bundle/`, `run.json`, and checkpoint, log and curve of each network.
        plan: how.
        processes: who learns along.
        heads: simulated cases to mix in; drawn into the folder if None.
        resume: go on with the run in the folder, on the revisions with which it began.
        watcher: called after each step.

    Raises:
        InputError: data set, bundle, plan or run do not go together.
        BundleError: the parent or a checkpoint is damaged.
        OutputError: something cannot be written, or another process is at work in the folder.
    """
    roles = _roles(parent, plan)
    if not processes.first:
        return _tuned(roles, dataset, parent, folder, processes, heads, None)
    with run_folder(folder, resume=resume) as there:
        if there:
            check_same(folder, read_record(folder), plan, as_parent(parent))
        else:
            write_record(folder, _new_record(dataset, parent, plan, heads, processes))
        return _tuned(roles, dataset, parent, folder, processes, heads, watcher)


def _tuned(
    roles: Sequence[str],
    dataset: Path,
    parent: Bundle,
    folder: Path,
    processes: Processes,
    heads: Path | None,
    watcher: Callable[[Step], None] | None,
) -> FineTuned:
    """The run in a folder, from wherever it is to its end; errors as of `fine_tune`."""
    processes.wait()
    record = read_record(folder)
    plan = recorded_plan(record)
    if record["processes"] != processes.count:
        raise InputError(
            f"{folder} was begun by {record['processes']} processes, not {processes.count}: "
            "resume it with as many"
        )
    if record["heads"] != _head_names(heads):
        raise InputError(f"{folder} was begun with other simulated cases: resume it with those")
    split = _recorded_split(dataset, record)
    simulated, seeds = simulated_heads(folder, plan, heads, processes)
    states = {role: dict(parent.build(role).state_dict()) for role in parent.networks}
    precision = "auto" if plan.mixed else "full"
    judge = _Judge(parent, folder, split.held_out, str(processes.device), precision, states)
    courses: dict[str, Course] = {}
    for role in roles:
        task = task_of(parent, role)
        tuner = Tuner(
            task=task,
            start=states[role],
            scans=_scans(split.learned, task),
            simulated=simulated,
            judge=judge.of_role(role),
            plan=plan,
            processes=processes,
            folder=folder,
            watcher=watcher,
        )
        states[role] = tuner.run()
        courses[role] = tuner.course
    if processes.first:
        before = list(outcomes_on(parent, split.held_out, judge.device, precision))
        after = list(judge.outcomes(states))
        card = _card(parent, record, courses, seeds, before, after)
        bundle = write_bundle(folder / "bundle", card, states, half=True)
        shutil.rmtree(folder / _CANDIDATE, ignore_errors=True)
        made = FineTuned(bundle, courses, before, after)
    else:
        made = FineTuned(parent, courses, [], [])
    return processes.shared(made)


def task_of(bundle: Bundle, role: str) -> Task:
    """What a bundle's network learns, at the sizes of fine-tuning."""
    task = TASKS[role]
    return replace(
        task,
        architecture=dict(bundle.card["networks"][role]["architecture"]),
        sizes=task.fine_tuning_sizes or task.sizes,
    )


@dataclass
class _Judge:
    """Tells how good weights are: whole cascade, held-out cases."""

    parent: Bundle
    folder: Path
    held_out: Sequence[ReviewedCase]
    device: str
    precision: str
    states: States  # of the roles as tuned so far

    def of_role(self, role: str) -> Callable[[Mapping[str, Tensor]], float]:
        return lambda weights: mean_dice(self.outcomes({**self.states, role: dict(weights)}))

    def outcomes(self, states: States) -> list[Outcome]:
        # In half precision, as the bundle will be stored.
        candidate = write_bundle(self.folder / _CANDIDATE, self.parent.card, states, half=True)
        return list(outcomes_on(candidate, self.held_out, self.device, self.precision))


def _roles(parent: Bundle, plan: Plan) -> list[str]:
    for role in plan.networks:
        if role not in parent.networks:
            raise InputError(
                f"bundle {parent.name!r} has no network {role!r}, only {', '.join(parent.networks)}"
            )
    unknown = [role for role in parent.networks if role not in TASKS]
    if unknown:
        raise InputError(f"nothing is known of how to train a network {unknown[0]!r}")
    return list(plan.networks) or sorted(parent.networks)


def _new_record(
    dataset: Path, parent: Bundle, plan: Plan, heads: Path | None, processes: Processes
) -> dict[str, Any]:
    known = learned_scans(parent.card.get("lineage"))
    split = split_by_patient(reviewed_cases(dataset), plan.seed, plan.held_out, known)
    if not any(np.any(case.labels().array) for case in split.held_out):
        raise InputError("the held-out cases have no teeth to judge by: take another --seed")
    versions = software_versions()
    return {
        "parent": as_parent(parent),
        "data": {"learned": _entries(split.learned), "held_out": _entries(split.held_out)},
        "recipe": recipe_of(plan),
        "seed": plan.seed,
        "heads": _head_names(heads),
        "processes": processes.count,
        "code": {name: versions[name] for name in ("toothseg", "python", "torch")},
        "begun": datetime.date.today().isoformat(),
    }


def _head_names(heads: Path | None) -> list[str] | None:
    """Files of the simulated cases that were given, without their folder."""
    return None if heads is None else sorted(path.name for path in heads.glob("*.npz"))


def _entries(cases: Sequence[ReviewedCase]) -> list[dict[str, Any]]:
    return [{"case": c.id, "revision": c.revision, "scan": c.scan_sha256} for c in cases]


def _recorded_split(dataset: Path, record: Mapping[str, Any]) -> Split:
    opened = Dataset.open(dataset)

    def side(name: str) -> tuple[ReviewedCase, ...]:
        entries = record["data"][name]
        return tuple(reviewed_case(opened, e["case"], e["revision"]) for e in entries)

    return Split(side("learned"), side("held_out"))


def _scans(cases: Sequence[ReviewedCase], task: Task) -> list[Any]:
    whole = task.name == "locator"
    return [scan_case(c.image(), c.labels(), task.spacing_mm, whole=whole) for c in cases]


def _card(
    parent: Bundle,
    record: Mapping[str, Any],
    courses: Mapping[str, Course],
    seeds: Sequence[object],
    before: Sequence[Outcome],
    after: Sequence[Outcome],
) -> dict[str, Any]:
    """The parent's card with what has changed."""
    learned, held_out = record["data"]["learned"], record["data"]["held_out"]
    networks = {}
    for role, entry in parent.card["networks"].items():
        tuned = courses[role].best[0] if role in courses else 0
        networks[role] = {**entry, "fine_tuning_steps": tuned}
    return {
        **parent.card,
        "name": f"{parent.name.split('+')[0]}+{_generation(record)}",
        "title": f"{parent.card.get('title', parent.name)}; fine-tuned",
        "networks": networks,
        "trained_on": f"{parent.card.get('trained_on', '')} Then fine-tuned on {len(learned)} "
        "reviewed cases with simulated heads mixed in.".lstrip(),
        "figures": {
            "held-out reviewed cases": {
                "cases": len(held_out),
                "tooth_dice": round(mean_dice(after), 4),
                "identification_f1": round(identification_f1(after), 4),
                "tooth_dice_of_parent": round(mean_dice(before), 4),
                "identification_f1_of_parent": round(identification_f1(before), 4),
            }
        },
        "limits": [
            *parent.card.get("limits", []),
            "The held-out figures chose when to stop, so they flatter a little.",
        ],
        "licence": f"{parent.card.get('licence', 'unknown')}, and whatever holds for the scans "
        "that it was fine-tuned on",
        "created": record["begun"],
        "lineage": {**record, "simulated_seeds": list(seeds)},
    }


def _generation(record: Mapping[str, Any]) -> int:
    """How many fine-tunings lie behind the bundle."""
    count = 0
    ancestor: Any = record
    while isinstance(ancestor, Mapping) and ancestor.get("parent"):
        count += 1
        ancestor = ancestor["parent"].get("lineage")
    return count
