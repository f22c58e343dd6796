"""A network on the processor by OpenVINO, without PyTorch.

The network is compiled when it is first used, and kept for as long as the process lives; nothing is
written to disk.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.bundles.stored_network import StoredNetwork
from ToothSegLib.compute.backends import BackendError, Pass
from ToothSegLib.compute.loading import loading
from ToothSegLib.errors import ToothSegError, one_line
from ToothSegLib.machine.in_threads import asked_threads
from ToothSegLib.progress import Progress

_CONVERTER, _TELEMETRY = "openvino.tools.ovc", "openvino_telemetry"
# How often a pass in the background is asked whether it is done, and the user whether to stop.
_POLL_MS = 100
# Compiled networks that are kept: two or three a bundle, of a size or two.
_KEPT = 6
# From here on a pass that takes longer than was expected only creeps towards its end.
_SURE = 0.8


@dataclass
class _Ready:
    """A compiled network, and the multiplications of one pass."""

    compiled: Any
    cost: float
    users: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def used(self) -> Iterator[None]:
        """While somebody passes images through it; the last one gives its working memory back.

        OpenVINO refuses to while a pass of another thread needs it.
        """
        with self.lock:
            self.users += 1
        try:
            yield
        finally:
            with self.lock:
                self.users -= 1
                if not self.users:
                    self.compiled.release_memory()


@dataclass
class _Pace:
    """Seconds a multiplication, learned from every pass; a guess before the first one."""

    seconds: float = 2e-11

    def learn(self, seconds: float, cost: float) -> None:
        # A clock may not have moved in a short pass.
        self.seconds = max(seconds, 1e-6) / cost


_kept: dict[tuple[object, ...], _Ready] = {}
_keeping = threading.Lock()
"""Held while a network is looked for or compiled, so that threads share it."""
_pace = _Pace()


@contextmanager
def openvino_pass(
    network: StoredNetwork, shape: tuple[int, int, int], half: bool
) -> Iterator[Pass]:
    """OpenVINO's passes; see `backends.ready`.

    Args:
        network: of a bundle.
        shape: (Z, Y, X) of the images.
        half: compute in bfloat16.

    Raises:
        BackendError: OpenVINO cannot be loaded, or refuses the network.
        BundleError: the weights do not fit their architecture.
    """
    with _in_words():
        plan = _compile(network, shape, half)
        request = plan.compiled.create_infer_request()
    with plan.used():
        yield partial(_run, request, plan.cost)


def _run(
    request: Any, cost: float, image: NDArray[np.float32], progress: Progress
) -> list[NDArray[np.float32]]:
    openvino = _openvino()
    # The request reads and writes these very arrays, so they must outlive it.
    values = np.ascontiguousarray(image)[None, None]
    expected = _pace.seconds * cost
    progress.check()
    started = time.perf_counter()
    with _in_words():
        request.set_input_tensor(openvino.Tensor(values, shared_memory=True))
        request.start_async()
    try:
        while not _has_ended(request):
            progress.update(_likely((time.perf_counter() - started) / expected))
    except BaseException:
        request.cancel()
        with suppress(RuntimeError):  # says that it was cancelled
            request.wait()
        raise
    _pace.learn(time.perf_counter() - started, cost)
    count = len(request.model_outputs)
    # Copied: the next pass overwrites them.
    return [request.get_output_tensor(n).data[0].copy() for n in range(count)]


def _has_ended(request: Any) -> bool:
    # Apart from the progress, whose faults are not OpenVINO's.
    with _in_words():
        return bool(request.wait_for(_POLL_MS))


def _likely(share: float) -> float:
    """How much is done when this share of the expected time has gone; it may be more than 1."""
    if share <= _SURE:
        return share
    over = (share - _SURE) / (1 - _SURE)
    return _SURE + (1 - _SURE) * over / (1 + over)


def _compile(network: StoredNetwork, shape: tuple[int, int, int], half: bool) -> _Ready:
    """The network for one size, from memory if it was there before.

    Memory is planned best for a fixed size, and every tile of a scan has the same.
    """
    threads = asked_threads()
    architecture = json.dumps(network.architecture, sort_keys=True)
    key = (architecture, network.sha256, shape, half, threads)
    with _keeping:
        if key not in _kept:
            while len(_kept) >= _KEPT:
                del _kept[next(iter(_kept))]
            _kept[key] = _build(network, shape, half, threads)
        _kept[key] = _kept.pop(key)  # the last one, so that what is in use stays
        return _kept[key]


def _build(
    network: StoredNetwork, shape: tuple[int, int, int], half: bool, threads: int | None
) -> _Ready:
    """The network compiled; see `_compile`."""
    core = _core()
    from ToothSegLib.compute.openvino_graph import build_graph

    model = build_graph(network, shape)
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        "ENABLE_CPU_PINNING": False,  # others may be using the same cores
    }
    if threads is not None:  # else OpenVINO takes what it finds
        options["INFERENCE_NUM_THREADS"] = threads
    return _Ready(core.compile_model(model, "CPU", options), _multiplications(model))


def _multiplications(model: Any) -> float:
    """Of all convolutions in one pass of a model of fixed size; at least 1."""
    total = 1.0
    for operation in model.get_ops():
        kind = operation.get_type_name()
        if kind in ("Convolution", "ConvolutionBackpropData"):
            # (out, in, z, y, x), or (in, out, z, y, x) for the transposed one, which here moves by
            # as much as it is large.
            weights = operation.input(1).get_shape()
            each = math.prod(weights[1:]) if kind == "Convolution" else weights[0]
            total += math.prod(operation.output(0).get_shape()) * each
    return total


def load_openvino() -> None:
    """Load OpenVINO and what it computes with on a processor; whatever is wrong with it is raised
    as it comes."""
    _core()


@lru_cache(maxsize=1)
def _core() -> Any:
    return _openvino().Core()


def _openvino() -> Any:
    """OpenVINO without its converter of models, which nothing here needs.

    The converter tells the vendor that it was loaded unless the user has forbidden it, and takes
    as long to load as all the rest. Whoever needs it can load it afterwards.
    """
    unwanted = {name: None for name in (_CONVERTER, _TELEMETRY) if name not in sys.modules}
    sys.modules.update(unwanted)  # type: ignore[arg-type]  # None refuses the import
    try:
        with loading():
            import openvino
    finally:
        for name in unwanted:
            sys.modules.pop(name, None)
    return openvino


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever OpenVINO says when it fails, as one error in one line.

    Raises:
        BackendError: something failed within.
    """
    try:
        yield
    except (ToothSegError, MemoryError):
        raise
    except Exception as error:  # a damaged installation fails in any way
        raise BackendError(
            f"OpenVINO does not work here ({one_line(error):.200}): install it again, or "
            "compute by PyTorch (--backend torch)"
        ) from error
