"""Scans that do not fit into memory are refused before a run, by what is reckoned of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from learning_fixture import toy_dataset, toy_scan
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.training import scan_memory
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.scan_case import held_bytes, task_case
from ToothSegLib.training.tasks import TASKS


@pytest.mark.parametrize("role", ["toothnet", "locator"])
def test_what_a_scan_takes_in_memory_is_reckoned_beforehand(role: str) -> None:
    image, labels = toy_scan(1)
    held = task_case(image, labels, TASKS[role])
    bytes_held = held.tissue.numel() * 2 + held.labels.numel()
    assert held_bytes(labels, TASKS[role]) == pytest.approx(bytes_held, rel=0.1)


def test_scans_that_do_not_fit_are_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_dataset(tmp_path / "set")
    cases = reviewed_cases(tmp_path / "set")
    tasks = [TASKS["locator"], TASKS["toothnet"]]
    gib = sum(held_bytes(case.marked(), TASKS["toothnet"]) for case in cases) / 2**30
    told: list[tuple[str, int, int]] = []

    def check(free: float | None, processes: int = 1) -> None:
        monkeypatch.setattr(scan_memory, "free_memory_gib", lambda: free)
        scan_memory.check_memory(cases, tasks, processes, lambda *words: told.append(words))

    check(None)
    assert not told
    check(1.01 * gib)
    assert told == [("reckoning memory", number, 4) for number in range(5)]
    with pytest.raises(
        InputError, match=r"4 scans .* 0\.0 GiB of memory for toothnet, and 0\.0 GiB"
    ):
        check(0.99 * gib)
    with pytest.raises(InputError, match=r"toothnet in 2 processes, .* learn with fewer processes"):
        check(1.5 * gib, 2)


def test_only_processes_of_this_machine_count(monkeypatch: pytest.MonkeyPatch) -> None:
    eight = Processes(torch.device("cpu"), 0, 8)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert eight.on_this_machine == 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert eight.on_this_machine == 4
    assert Processes(torch.device("cpu")).on_this_machine == 1
