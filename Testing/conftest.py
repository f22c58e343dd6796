"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

# Threads, before a library that reads their number is loaded; child processes inherit it. The tests
# are small: threads would cost more than they give, and more than one test machine has. `make test`
# has two processes at it (pytest-xdist), which would wait for each other's threads: one for each,
# and not what the process that hands out the tests has set below.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # torch, BLAS, OpenVINO and our own
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    os.environ["VTK_SMP_MAX_THREADS"] = "1"
else:
    os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from ToothSegLib.dataset.case import DatasetCase
    from ToothSegLib.dataset.folder import Dataset

# A bundle that whoever runs the tests has promoted must not change what they see.
os.environ["TOOTHSEG_HOME"] = str(Path(tempfile.gettempdir()) / f"toothseg-tests-{os.getpid()}")

# The same examples in every run, and no time limit for one of them: a slow machine is no failure.
settings.register_profile("toothseg", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("toothseg")


@pytest.fixture(autouse=True, scope="session")
def _patience() -> None:
    """A busy machine takes its time to end a process that is killed; a panel would not wait."""
    from ToothSegLib.jobs import child

    child._KILLED_WITHIN_S = 60.0


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """A data set without cases."""
    from ToothSegLib.dataset.folder import Dataset

    return Dataset.create(tmp_path / "set")


@pytest.fixture
def case(dataset: Dataset) -> DatasetCase:
    """The only case of a data set."""
    from dataset_fixture import add_case

    return add_case(dataset)


@pytest.fixture
def filled(dataset: Dataset) -> Dataset:
    """Two cases with labels, every tooth of the 32 in one of them, and one without."""
    from dataset_fixture import add_case, scan
    from ToothSegLib.dataset.folder import CaseMeta
    from ToothSegLib.dataset.record import REVIEW_ORDER

    add_case(dataset, 1)
    image = scan(2)
    array = np.zeros(image.shape, np.uint8)
    array.reshape(-1)[: len(REVIEW_ORDER)] = REVIEW_ORDER
    dataset.add(image, image.with_array(array), CaseMeta(who="cd"))
    dataset.add(scan(3), None, CaseMeta(who="cd"))
    return dataset


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the fine-tunings of a file learn from; see `finetune_fixture.toy_world`."""
    from finetune_fixture import toy_world

    return toy_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `learning_fixture.shrink`."""
    from learning_fixture import shrink

    shrink(monkeypatch)


@pytest.fixture
def judged_by_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `learning_fixture.judge_by_weights`."""
    from learning_fixture import judge_by_weights

    judge_by_weights(monkeypatch)
