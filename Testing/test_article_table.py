"""The page of the article's experiments says only what holds for its budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ToothSegLib.training.article_table import BUDGETS, HEAD, SMALL, Row, table
from ToothSegLib.training.recipes import RECIPES


class _Bundle:
    card: dict[str, Any] = {"networks": {"stage1": {"parameters": 1000}}}


class _Result:
    """What a training gives, as far as the page looks at it."""

    bundle = _Bundle()
    figures: dict[str, Any] = {"stage1": {"tooth_dice": 0.5}}

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log.csv"
        self.log.write_text("network,seconds\nstage1,60\n")


@pytest.mark.parametrize("budget", BUDGETS)
def test_only_small_budgets_are_called_too_small(budget: str, tmp_path: Path) -> None:
    result: Any = _Result(tmp_path)
    rows = [
        Row("case", RECIPES[name], BUDGETS[budget][name], result)
        for name in ("article-1", "article-5")
    ]
    page = table(rows, "two CPU cores")
    assert ("All are far too small" in page) == (budget != "full")
    assert "rows.\n\nTrained on" in page or "command.\n\nTrained on" in page


def test_the_page_that_is_kept_begins_as_the_program_writes_it(tmp_path: Path) -> None:
    kept = (Path(__file__).resolve().parents[1] / "docs" / "article.md").read_text("utf-8")
    assert kept.startswith(HEAD + SMALL)
    result: Any = _Result(tmp_path)
    budget = BUDGETS["quick"]["article-1"]
    rows = [
        Row(case, RECIPES["article-1"], budget, result)
        for case in ("real-head-CT", "simulated-sample")
    ]
    (said,) = (line for line in table(rows, "two CPU cores").splitlines() if "Trained on" in line)
    assert f"\n{said}\n" in kept
    mine = table([Row("mine", RECIPES["article-1"], budget, result)], "two CPU cores")
    assert "\nTrained on two CPU cores.\n" in mine
