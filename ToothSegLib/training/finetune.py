"""A bundle learns on from reviewed scans: the corrected teeth of today are the weights of tomorrow.

The networks are tuned one after the other, each judged within the whole cascade on the held-out
cases, as a user would see it. Two things keep what the parent could do: simulated heads are mixed
in (rehearsal, as in Robins, Connection Science 1995), and of the way from the parent only as much
is gone as is safe (`blending`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ToothSegLib.dataset.reviewed import ReviewedCase
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.lineage import as_parent
from ToothSegLib.maps import LEARNED_SPACING_MM
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.training.bars import Tell, silent
from ToothSegLib.training.blending import Blend, between, read_blend, write_blend
from ToothSegLib.training.course import Course, Step
from ToothSegLib.training.finetune_card import finetuned_card
from ToothSegLib.training.finetune_plan import (
    Plan,
    check_same,
    read_record,
    recorded_plan,
    write_record,
)
from ToothSegLib.training.finetune_record import head_names, new_record, recorded_split
from ToothSegLib.training.guard import guard_heads
from ToothSegLib.training.judging import Judge
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.prostheses import prostheses_for
from ToothSegLib.training.rehearsal import given_heads, simulated_heads
from ToothSegLib.training.run_folder import BUNDLE, run_folder
from ToothSegLib.training.scan_case import FindProstheses, task_case
from ToothSegLib.training.scan_memory import check_memory
from ToothSegLib.training.tasks import TASKS, Task
from ToothSegLib.training.tuner import Tuner


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tuning gives.

    Attributes:
        bundle: parent and data are in its card's lineage.
        courses: of each network.
        before, after: the parent's and the bundle's results on the held-out cases.
        blends: how far each network went from its parent.
    """

    bundle: Bundle
    courses: dict[str, Course]
    before: list[Outcome]
    after: list[Outcome]
    blends: dict[str, Blend] = field(default_factory=dict)


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
    tell: Tell = silent,
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
        tell: called before each piece of what takes time before and between the steps.

    Raises:
        InputError: data set, bundle, plan or run do not go together, or memory would not do.
        BundleError: the parent or a checkpoint is damaged.
        OutputError: something cannot be written, or another process is at work in the folder.
    """
    roles = _roles(parent, plan)
    if not processes.first:
        return _tuned(roles, dataset, parent, folder, processes, heads, None, silent)
    with run_folder(folder, resume=resume) as there:
        if there:
            record = read_record(folder)
            check_same(folder, record, plan, as_parent(parent))
        else:
            if heads is not None and plan.simulated_share:
                given_heads(heads)  # what cannot be learned from must leave no run behind
            record = new_record(dataset, parent, plan, heads, processes, tell)
        tasks = [task_of(parent, role) for role in roles]
        learned = recorded_split(dataset, record).learned
        check_memory(learned, tasks, processes.on_this_machine, tell)
        if not there:
            write_record(folder, record)
        return _tuned(roles, dataset, parent, folder, processes, heads, watcher, tell)


def _tuned(
    roles: Sequence[str],
    dataset: Path,
    parent: Bundle,
    folder: Path,
    processes: Processes,
    heads: Path | None,
    watcher: Callable[[Step], None] | None,
    tell: Tell,
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
    if record["heads"] != head_names(heads):
        raise InputError(f"{folder} was begun with other simulated cases: resume it with those")
    split = recorded_split(dataset, record)
    simulated, simulated_seeds = simulated_heads(folder, plan, heads, processes, tell)
    states = {role: dict(parent.build(role).state_dict()) for role in parent.networks}
    guards = guard_heads(plan.guards, plan.seed)
    how = (processes.device.type, "auto" if plan.mixed else "full")
    judge = Judge(parent, folder, split.held_out, guards, *how, states, tell)
    courses: dict[str, Course] = {}
    blends: dict[str, Blend] = {}
    for role in roles:
        task = task_of(parent, role)
        tuner = Tuner(
            task=task,
            start=states[role],
            scans=_scans(split.learned, task, prostheses_for(task, parent, *how), tell),
            simulated=simulated,
            judge=judge.of_role(role),
            plan=plan,
            processes=processes,
            folder=folder,
            watcher=watcher,
        )
        tuned = tuner.run()
        courses[role] = tuner.course
        blends[role] = processes.shared(
            _blend(judge, role, tuned, tuner.course) if processes.first else Blend(0.0)
        )
        states[role] = between(states[role], tuned, blends[role].share)
        del tuner  # its scans would lie in memory beside the next one's
    made = FineTuned(parent, courses, [], [], blends)
    if processes.first:
        before, after = judge.outcomes_of_parent(), judge.outcomes(states)
        seeds: dict[str, Sequence[object]] = {
            "simulated_seeds": simulated_seeds,
            "guard_seeds": [head.seed for head in guards],
        }
        card = finetuned_card(parent, record, courses, blends, seeds, before, after)
        bundle = write_bundle(folder / BUNDLE, card, states, half=True)
        judge.clear()
        made = FineTuned(bundle, courses, before, after, blends)
    return processes.shared(made)


def _blend(judge: Judge, role: str, tuned: Mapping[str, Tensor], course: Course) -> Blend:
    """How far a role goes: as was chosen before in this run, or chosen now."""
    path = judge.folder / f"{role}.blend.json"
    blend = read_blend(path)
    if blend is None:
        blend = judge.blend(role, tuned, course)
        write_blend(path, blend)
    return blend


def task_of(bundle: Bundle, role: str) -> Task:
    """What a bundle's network learns, at the sizes of fine-tuning.

    It sees the teeth as large as it is to see them when the bundle is used.
    """
    task = TASKS[role]
    marks = task.spacing_mm == LEARNED_SPACING_MM
    return replace(
        task,
        architecture=dict(bundle.card["networks"][role]["architecture"]),
        sizes=task.fine_tuning_sizes or task.sizes,
        magnification=bundle.magnification if marks else 1.0,
    )


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


def _scans(
    cases: Sequence[ReviewedCase],
    task: Task,
    prostheses: FindProstheses | None = None,
    tell: Tell = silent,
) -> list[Any]:
    what, found = f"reading scans for {task.name}", []
    for number, case in enumerate(cases):
        tell(what, number, len(cases))
        found.append(task_case(case.image(), case.labels(), task, case.marked(), prostheses))
    tell(what, len(cases), len(cases))
    return found
