"""When a GPU is too small the processor takes over, and says so; precision is as asked for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ToothSegLib import cascade, inference, looking
from ToothSegLib.bundles.model_card import NETWORKS
from ToothSegLib.compute import backends
from ToothSegLib.compute.device_faults import (
    DeviceMemoryError,
    DeviceUnfitError,
    HostMemoryError,
    device_faults,
)
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

CPU, GPU = "cpu", "cuda"
BOX = ((0.0, 0.0, 0.0), (8.0, 8.0, 8.0))


class Computer:
    """A GPU that runs out of memory in one of its two steps, and what each step was asked."""

    def __init__(self, fails_in: str = "", also_the_cpu: bool = False, lost: bool = False) -> None:
        self.fails_in = fails_in
        self.lost = lost
        self.also_the_cpu = also_the_cpu
        self.calls: list[tuple[str, str, str]] = []

    def choose(self, name: str) -> str:
        return CPU if name == "cpu" else GPU

    def find(self, network: Any, volume: Any, device: Any, progress: Any, precision: str) -> Any:
        self._work("locator", device, precision)
        return [BOX]

    def maps(
        self, bundle: Any, image: Volume, device: Any, progress: Any, precision: str, backend: str
    ) -> Maps:
        self._work("networks", device, precision)
        types = np.zeros((17, *image.shape), np.float16)
        types[0] = 1
        nothing = np.zeros(image.shape, np.float32)
        return Maps(nothing, types, None, image.spacing[0], image.origin)

    def _work(self, step: str, device: str, precision: str) -> None:
        self.calls.append((step, device, precision))
        if step == self.fails_in and device == GPU and self.lost:
            raise RuntimeError(
                "CUDA error: unspecified launch failure\nCUDA kernel errors might be"
            )
        if step == self.fails_in and device == GPU:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        if self.also_the_cpu and device == CPU:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")


def run(
    monkeypatch: pytest.MonkeyPatch, computer: Computer, device: str = "auto", **options: str
) -> Any:
    for module in (cascade, looking):
        monkeypatch.setattr(module, "choose_device", computer.choose)
    monkeypatch.setattr(looking, "find_dentitions", computer.find)
    monkeypatch.setattr(looking, "predict_maps", computer.maps)
    monkeypatch.setattr(looking, "load_network", lambda *_: nn.Identity())
    networks = NETWORKS["toothnet"]
    entries = {role: {"architecture": what, "sha256": ""} for role, what in networks.items()}
    card = {"networks": entries, "kind": "toothnet"}
    bundle = Bundle("made-up", Path(), card, dict.fromkeys(networks, Path()))
    noise = np.random.default_rng(0).integers(0, 100, (16, 16, 16), np.int16)
    scan = Volume(noise, (0.5,) * 3)
    return cascade.segment(scan, bundle=bundle, device=device, **options)


@pytest.mark.parametrize("step", ["locator", "networks"])
def test_the_processor_takes_over_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    computer = Computer(fails_in=step)
    with caplog.at_level(logging.WARNING):
        result = run(monkeypatch, computer)
    assert [call[:2] for call in computer.calls[-2:]] == [("locator", "cpu"), ("networks", "cpu")]
    assert result.provenance["device"] == "cpu"
    assert result.provenance["device_that_failed"] == "cuda"
    said = [finding for finding in result.findings if finding.code == "device-memory"]
    assert [finding.urgency for finding in said] == ["low"]
    assert "too little memory" in said[0].message
    assert "too little memory" in caplog.text


@pytest.mark.parametrize("step", ["locator", "networks"])
def test_a_gpu_that_is_lost_is_made_up_for_and_named(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def gone() -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "empty_cache", gone)
    computer = Computer(fails_in=step, lost=True)
    result = run(monkeypatch, computer)
    assert [call[:2] for call in computer.calls[-2:]] == [("locator", "cpu"), ("networks", "cpu")]
    assert result.provenance["device"] == "cpu"
    assert result.provenance["device_that_failed"] == "cuda"
    said = [finding for finding in result.findings if finding.code == "device-lost"]
    assert [finding.urgency for finding in said] == ["low"]
    assert "stopped answering" in said[0].message


def test_a_gpu_that_is_large_enough_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = Computer()
    result = run(monkeypatch, computer)
    assert {call[1] for call in computer.calls} == {"cuda"}
    assert result.provenance["device"] == "cuda"
    assert "device_that_failed" not in result.provenance
    assert "device-memory" not in [finding.code for finding in result.findings]


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_when_even_that_fails_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    computer = Computer(fails_in="networks", also_the_cpu=True)
    with pytest.raises(InputError, match=r"^this computer has too little memory[^\n]*$"):
        run(monkeypatch, computer, device)
    assert computer.calls[-1][1] == "cpu"


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
    ],
)
def test_all_that_a_gpu_says_is_one_error(error: Exception) -> None:
    with (
        pytest.raises(DeviceMemoryError, match=r"^the cuda device has too little memory[^\n]*$"),
        device_faults(GPU),
    ):
        raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("CUDA error: an illegal memory access\nCompile with"), "CUDA error: an ill"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "cuDNN error"),
        (RuntimeError("No HIP GPUs are available"), "No HIP"),
        (OSError("libcudnn_ops.so.9: cannot open shared object file"), "OSError: libcudnn"),
        (
            torch.cuda.DeferredCudaCallError("CUDA call failed lazily"),
            "DeferredCudaCallError: CUDA",
        ),
        (TypeError("Cannot convert a MPS Tensor to float64 dtype"), "TypeError: Cannot"),
        (RuntimeError("a\x1b[2J red" + 900 * "!"), r"a \[2J red!{100,111}\)"),
        (ValueError(), "ValueError"),
    ],
)
def test_whatever_else_a_gpu_says_is_one_line(error: Exception, words: str) -> None:
    """A list of all that drivers say is never whole: what is not on it failed a scan that the
    processor can compute."""
    with (
        pytest.raises(DeviceUnfitError, match=rf"^the cuda .* \({words}[^\n]*--device cpu[^\n]*$"),
        device_faults(GPU),
    ):
        raise error


def test_a_fault_of_the_program_shows_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Computer):
        def _work(self, step: str, device: str, precision: str) -> None:
            super()._work(step, device, precision)
            raise KeyError("toothnet")

    computer = Broken()
    with pytest.raises(KeyError, match="toothnet"):
        run(monkeypatch, computer)
    assert [call[1] for call in computer.calls] == ["cuda", "cuda", "cpu"]


def test_what_was_raised_on_purpose_stays_what_it_is() -> None:
    for error in (Cancelled("cancelled"), InputError("no such scan")):
        with pytest.raises(type(error), match=str(error)), device_faults(GPU):
            raise error


def test_what_the_computer_lacks_is_not_laid_to_the_device() -> None:
    for error in (
        MemoryError("Unable to allocate 3 GiB for an array"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ):
        with (
            pytest.raises(HostMemoryError, match=r"^this computer has too little memory[^\n]*$"),
            device_faults(GPU),
        ):
            raise error


def test_older_pytorch_has_another_name_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "OutOfMemoryError")
    with pytest.raises(DeviceMemoryError), device_faults(GPU):
        raise RuntimeError("CUDA error: out of memory")


@pytest.mark.parametrize("precision", ["auto", "full"])
def test_the_precision_reaches_the_networks(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    computer = Computer()
    result = run(monkeypatch, computer, precision=precision)
    assert {call[2] for call in computer.calls} == {precision}
    assert result.provenance["precision"] == precision


def test_an_unknown_precision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="'double'"):
        run(monkeypatch, Computer(), precision="double")


def test_full_precision_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "half_type", lambda device: torch.bfloat16)
    seen: list[torch.dtype] = []

    class Watched(nn.Conv3d):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            answer = super().forward(image)
            seen.append(answer.dtype)
            return answer

    network = Watched(1, 1, 3, padding=1)
    for precision, expected in (("full", torch.float32), ("auto", torch.bfloat16)):
        inference.tooth_probability(
            network, np.zeros((16, 16, 16), np.float32), CPU, Progress(), precision
        )
        assert seen[-1] == expected


def test_progress_within_a_single_pass_rises_layer_by_layer() -> None:
    network = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 1, 1))
    told: list[float] = []
    progress = Progress(lambda fraction, stage: told.append(fraction))
    inference.tooth_probability(network, np.zeros((16, 16, 16), np.float32), CPU, progress)
    assert told == sorted(told)
    within = sorted({fraction for fraction in told if 0 < fraction < 1})
    assert len(within) == 2
    # 27 multiplications and a move for each of 8 channels, then a move, then 8 and a move.
    assert within[0] == pytest.approx(8 * 57 / (8 * 57 + 8 * 30 + 38))
