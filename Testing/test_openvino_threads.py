"""Several passes at once in one process: they share a network, and none ends another."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from network_fixture import SHAPE, a_network, an_image, stored
from ToothSegLib.compute import openvino_backend
from ToothSegLib.compute.backends import ready
from ToothSegLib.compute.openvino_backend import _Ready, openvino_pass
from ToothSegLib.progress import Progress


class Compiled:
    """Stands in for OpenVINO's compiled model, which keeps its memory while a pass needs it."""

    def __init__(self) -> None:
        self.open = 0
        self.released = 0

    def create_infer_request(self) -> None:
        self.open += 1

    def release_memory(self) -> None:
        if self.open > 1:
            raise RuntimeError("[ BUSY ] the graph is in busy state")
        self.released += 1


def test_the_last_pass_gives_the_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = Compiled()
    plan = _Ready(compiled, 1.0)
    monkeypatch.setattr(openvino_backend, "_compile", lambda *_: plan)
    with ExitStack() as first, ExitStack() as second:
        for one in (first, second):
            one.enter_context(openvino_pass(stored(a_network()), SHAPE, False))
        first.close()
        assert compiled.released == 0
        compiled.open -= 1
    assert compiled.released == 1


def test_threads_that_want_a_network_compile_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    both = threading.Barrier(2)

    def build(*_: object) -> _Ready:
        built.append(_Ready(Compiled(), 1.0))
        with pytest.raises(threading.BrokenBarrierError):  # the other one would come too
            both.wait(0.3)
        return built[-1]

    monkeypatch.setattr(openvino_backend, "_kept", {})
    monkeypatch.setattr(openvino_backend, "_build", build)
    network = stored(a_network())
    with ThreadPoolExecutor(2) as pool:
        plans = list(pool.map(lambda _: openvino_backend._compile(network, SHAPE, False), "ab"))
    assert plans == built * 2


def test_passes_of_two_threads_give_what_each_gives_alone() -> None:
    pytest.importorskip("openvino")
    network = stored(a_network())

    def passed(seed: int) -> np.ndarray:
        with ready(network, SHAPE, "cpu", "full") as run:
            return run(an_image(seed), Progress())[0]

    alone = [passed(seed) for seed in range(12)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(passed, range(12)))
    np.testing.assert_array_equal(together, alone)
