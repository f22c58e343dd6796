"""What a job leaves in its folder is read back, in little more memory than its labels take."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.errors import ToothSegError
from ToothSegLib.jobs.job_files import read_result, write_request, write_result
from ToothSegLib.report import Segmentation, measure_teeth
from ToothSegLib.volume import Volume


def leave(folder: Path, labels: np.ndarray, told: np.ndarray) -> None:
    """Request and result of a job; the report tells of the teeth of another label map."""
    write_request(folder, Volume(labels.astype(np.int16)), {})
    teeth = measure_teeth(Volume(told), {})
    write_result(folder, Segmentation(Volume(labels), teeth))


def test_a_result_is_read_in_little_more_memory_than_its_labels_take(tmp_path: Path) -> None:
    labels = np.zeros((200, 200, 200), np.uint8)
    labels[50:60, 50:60, 50:60], labels[90:99, 90:99, 90:99] = 11, 47
    leave(tmp_path, labels, labels[40:110, 40:110, 40:110])
    tracemalloc.start()
    try:
        result = read_result(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * labels.nbytes
    assert [tooth.fdi for tooth in result.teeth] == [11, 47]


@pytest.mark.parametrize(("value", "told"), [(12, 11), (99, 99)])
def test_labels_that_the_report_does_not_tell_of_are_refused(
    tmp_path: Path, value: int, told: int
) -> None:
    labels, others = np.zeros((2, 4, 5, 6), np.uint8)
    labels[1:3, 1:3, 1:3], others[1:3, 1:3, 1:3] = value, 11
    leave(tmp_path, labels, others)
    report = tmp_path / "result" / "report.json"
    report.write_text(report.read_text().replace('"fdi": 11', f'"fdi": {told}'))
    with pytest.raises(ToothSegError, match=rf"\[{value}\], its report \[{told}\]"):
        read_result(tmp_path)
