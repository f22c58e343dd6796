"""What errors say on one line, and which ones a damaged file of JSON may end in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ToothSegLib.errors import NOT_JSON, BundleError, InputError, one_line
from ToothSegLib.jobs.job_news import News
from ToothSegLib.user_models import HOME_VARIABLE, promotions

NOT_TAKEN = "[" * 100_000, '{"a": 1', "\N{BYTE ORDER MARK}{}"
OTHER = "[]", "null", "1", "{}", '{"looks": 1, "promoted": 1, "data": 1}', "[[]]", "[1]"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("a\nb\r\n\tc  d ", "a b c d"),
        (ValueError("of 2\nlines"), "of 2 lines"),
        (ValueError(), "ValueError"),
        (StopIteration(" \n"), "StopIteration"),
        ("", ""),
    ],
)
def test_a_message_is_one_line_and_never_nothing(said: Exception | str, line: str) -> None:
    assert one_line(said) == line


@pytest.mark.parametrize("text", [*(text.encode() for text in NOT_TAKEN), b"\xff\xfe\x00"])
def test_what_is_no_json_ends_in_one_of_these(text: bytes) -> None:
    with pytest.raises(NOT_JSON):
        json.loads(text.decode())


@pytest.mark.parametrize("text", [*NOT_TAKEN, *OTHER])
def test_other_json_is_none_that_was_written(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegLib.evaluation.fixed_benchmark import _read
    from ToothSegLib.report import from_json
    from ToothSegLib.results.earlier_outputs import read_report
    from ToothSegLib.training.blending import read_blend
    from ToothSegLib.training.finetune_plan import RECORD, read_record

    (tmp_path / "Models").mkdir()
    for name in ("a-report.json", RECORD, "Models/promoted.json"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_blend(tmp_path / RECORD) is None
    assert _read(tmp_path / RECORD) is None
    assert read_report(tmp_path, "a") is None
    with pytest.raises(InputError, match="no report of ToothSeg"):
        from_json(text, labels=None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no record of a fine-tuning"):
        read_record(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with pytest.raises(BundleError, match="no list of promoted bundles"):
        promotions()


@pytest.mark.parametrize("text", NOT_TAKEN)
def test_a_damaged_plan_of_moving_files_is_none(text: str, tmp_path: Path) -> None:
    from ToothSegLib.disk.moving import _PLAN, _plan_in

    (tmp_path / _PLAN).write_text(text, encoding="utf-8")
    assert _plan_in(tmp_path) is None


@pytest.mark.parametrize("line", [*NOT_TAKEN, '{"fraction": 0.5}', "[]", "1"])
def test_a_line_that_is_no_message_of_the_worker_is_kept_for_people(line: str) -> None:
    news = News()
    news._take_message(line)
    assert line in news.log
    assert not news.done
