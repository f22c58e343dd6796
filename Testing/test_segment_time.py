"""The benchmark of time and memory: its scans and its sums, not its timings."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ToothSegLib.volume import Volume

FILE = Path(__file__).parent / "benchmarks" / "segment_time.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("segment_time", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["segment_time"] = module
    spec.loader.exec_module(module)
    return module


def test_the_middle_of_the_head_is_kept(benchmark: ModuleType) -> None:
    head = Volume(np.arange(4 * 6 * 8, dtype=np.int16).reshape(4, 6, 8), (0.4,) * 3)
    placed = benchmark.placed(head, (2, 8, 8))
    assert placed.spacing == head.spacing
    assert np.array_equal(placed.array[:, 1:7], head.array[1:3])
    assert not placed.array[:, [0, 7]].any()


def test_growth_and_ratios_are_those_of_the_runs(benchmark: ModuleType) -> None:
    runs = [
        benchmark.Run((n,) * 3, name, 2.0 * slow, slow * n**3, 100.0 * n, 28, {"networks": slow})
        for n in (100, 200, 400)
        for name, slow in (("torch", 3.0), ("openvino", 1.0))
    ]
    assert benchmark.growth(runs) == [
        f"{name}: processor ~ voxels^1.00, memory ~ voxels^0.33" for name in ("torch", "openvino")
    ]
    for line in benchmark.ratios(runs):
        assert line.endswith("networks 3.00, whole 3.00, processor 3.00, memory 1.00")
    assert len(benchmark.ratios(runs)) == 3
    assert len(benchmark.table(runs)) == 2 + len(runs)
