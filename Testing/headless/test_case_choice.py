"""The list of a data set's cases: all of them, in a useful order, and told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from case_fixture import choose
from dataset_fixture import add_case
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """As yet without a case."""
    return Dataset.create(tmp_path / "set")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``clock("2024-02-29")`` lets cases be saved on that day."""

    def at(day: str) -> None:
        for module in ("case", "folder"):
            monkeypatch.setattr(f"ToothSegLib.dataset.{module}.now", lambda: f"{day}T08:15:30Z")

    return at


def approve(case: DatasetCase, *teeth: int) -> None:
    """Save a revision with these teeth approved, by "cd"."""
    case.save_revision(case.labels(), "cd", review=dict.fromkeys(teeth, "approved"))


def look(seen: dict[str, Any], text: str = "") -> Callable[[Any], int]:
    """An answer that tells what the dialog shows, after a text was typed, and cancels."""
    import qt

    def answer(dialog: Any) -> int:
        dialog.findChild(qt.QLineEdit, "caseFilter").text = text
        cases = dialog.findChild(qt.QListWidget, "caseList")
        seen["rows"] = [cases.item(row).text() for row in range(cases.count)]
        seen["label"] = dialog.findChild(qt.QLabel, "caseLabel").text
        buttons = dialog.findChild(qt.QDialogButtonBox, "caseButtons")
        seen["open"] = buttons.button(qt.QDialogButtonBox.Open).enabled
        buttons.button(qt.QDialogButtonBox.Cancel).click()
        return int(dialog.result())

    return answer


def test_no_case_is_left_out_and_the_last_of_many_can_be_opened(
    slicer_app: Any, dataset: Dataset, dialogs: Any
) -> None:
    from ToothSegPanel.case_choice import chosen_case

    cases = [add_case(dataset, seed, patient=f"p{seed}") for seed in range(1, 36)]
    for case in cases:
        dialogs.answer(choose(case.id, listed=1))
        found = chosen_case(dataset)
        assert found is not None
        assert found.id == case.id
    seen: dict[str, Any] = {}
    dialogs.answer(look(seen))
    assert chosen_case(dataset) is None
    assert len(seen["rows"]) == 35
    assert seen["label"].startswith("35 cases")
    dialogs.take()


def test_the_unfinished_come_first_and_the_newest_of_them(
    slicer_app: Any, dataset: Dataset, dialogs: Any, clock: Callable[[str], None]
) -> None:
    from ToothSegPanel.case_choice import chosen_case

    clock("2024-02-01")
    old, done, begun = (add_case(dataset, seed, patient=f"p{seed}") for seed in (1, 2, 3))
    clock("2024-02-20")
    approve(begun, begun.record.teeth[0])
    clock("2024-02-29")
    approve(done, *done.record.teeth)
    clock("2024-02-10")
    newer = add_case(dataset, 4)
    seen: dict[str, Any] = {}
    dialogs.answer(look(seen))
    chosen_case(dataset)
    assert seen["rows"] == [
        f"p3: 1 of 3 reviewed\ncd, 2024-02-20 08:15 UTC, {begun.id}",
        f"No pseudonym: 0 of 3 reviewed\nab, 2024-02-10 08:15 UTC, {newer.id}",
        f"p1: 0 of 3 reviewed\nab, 2024-02-01 08:15 UTC, {old.id}",
        f"p2: 3 of 3 reviewed\ncd, 2024-02-29 08:15 UTC, {done.id}",
    ]
    dialogs.answer(look(seen, "CD 2024-02-2"))
    chosen_case(dataset)
    assert [re.findall("p.", row)[0] for row in seen["rows"]] == ["p3", "p2"]
    assert "2 of 4 cases" in seen["label"]
    dialogs.answer(look(seen, "nobody"))
    chosen_case(dataset)
    assert (seen["rows"], seen["open"]) == ([], False)
    dialogs.take()


def test_a_double_click_opens_a_case(slicer_app: Any, dataset: Dataset, dialogs: Any) -> None:
    from PySide6.QtWidgets import QListWidget

    from ToothSegPanel.case_choice import chosen_case

    cases = [add_case(dataset, seed) for seed in (1, 2)]

    def answer(dialog: Any) -> int:
        rows = dialog.findChild(QListWidget, "caseList")
        rows.currentRow = 1
        QListWidget.itemActivated.__get__(rows).emit(QListWidget.item(rows, 1))
        return int(dialog.result())

    dialogs.answer(answer)
    found = chosen_case(dataset)
    assert found is not None
    assert found.id == sorted(case.id for case in cases)[1]
    dialogs.take()


def test_damaged_cases_are_told(slicer_app: Any, dataset: Dataset, dialogs: Any) -> None:
    from ToothSegPanel.case_choice import chosen_case

    whole, damaged = add_case(dataset, 1), add_case(dataset, 2)
    (damaged.folder / "revisions" / "0001" / "case.json").write_text("{")
    seen: dict[str, Any] = {}
    dialogs.answer(look(seen))
    chosen_case(dataset)
    dialogs.take()
    (row,) = seen["rows"]
    assert whole.id in row
    assert seen["label"].startswith("1 case, ")
    assert "1 more cannot be opened: toothseg dataset check" in seen["label"]
    (whole.folder / "revisions" / "0001" / "case.json").write_text("{")
    with pytest.raises(InputError, match="holds no case that can be opened"):
        chosen_case(dataset)
