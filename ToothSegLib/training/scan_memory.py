"""Whether the scans to learn from fit into memory: told before a run begins, not when it dies."""

from __future__ import annotations

from collections.abc import Sequence

from ToothSegLib.dataset.reviewed import ReviewedCase
from ToothSegLib.errors import InputError
from ToothSegLib.machine.capacity import free_memory_gib
from ToothSegLib.training.bars import Tell
from ToothSegLib.training.scan_case import held_bytes
from ToothSegLib.training.tasks import Task


def check_memory(
    cases: Sequence[ReviewedCase], tasks: Sequence[Task], processes: int, tell: Tell
) -> None:
    """Refuse scans that cannot all be held while a network learns from them.

    Of what is needed only the scans are counted, so what is refused would not do for certain.

    Args:
        cases: to learn from.
        tasks: of the networks, which learn one after the other.
        processes: on this machine; each holds all scans.
        tell: called before each case.

    Raises:
        InputError: there is too little memory free, or labels cannot be read.
    """
    free = free_memory_gib()
    if free is None:
        return
    needed = dict.fromkeys((task.name for task in tasks), 0)
    for number, case in enumerate(cases):
        tell("reckoning memory", number, len(cases))
        marked = case.marked()
        for task in tasks:
            needed[task.name] += held_bytes(marked, task)
    tell("reckoning memory", len(cases), len(cases))
    name, most = max(needed.items(), key=lambda item: item[1])
    gib = processes * most / 2**30
    if gib > free:
        each = f" in {processes} processes" if processes > 1 else ""
        fewer = "with fewer processes, " if processes > 1 else ""
        raise InputError(
            f"the {len(cases)} scans to learn from take {gib:.1f} GiB of memory for {name}{each}, "
            f"and {free:.1f} GiB are free: end other programs, learn {fewer}on a machine with "
            "more, or move some cases to another data set"
        )
