"""OpenVINO computes what PyTorch does, can be stopped, and is made up for where it is broken."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ToothSegLib import openvino_backend
from ToothSegLib.backends import BackendError, choose_backend, ready
from ToothSegLib.cascade import segment
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.progress import Progress
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

CPU = torch.device("cpu")
SHAPE = (32, 32, 48)


@pytest.fixture
def working() -> None:
    """Skip where OpenVINO is not installed."""
    pytest.importorskip("openvino")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An OpenVINO that is there and cannot be loaded, whether or not another one is."""
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise ImportError('libtbb.so is gone')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(openvino_backend, "_kept", {})


class TwoScales(nn.Module):
    """Two outputs, one of them at half the resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv3d(1, 2, 3, padding=1)
        self.coarse = nn.Sequential(nn.Conv3d(1, 3, 2, stride=2), nn.InstanceNorm3d(3, affine=True))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.fine(image), self.coarse(image)


def a_network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TwoScales().eval()


def an_image(seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 1, *SHAPE, generator=torch.Generator().manual_seed(seed))


def part_of_the_sample() -> Volume:
    """Some teeth of both jaws, and little else."""
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    return scan.part((slice(16, 112), slice(0, 96), slice(16, 112)))


def a_scan() -> Volume:
    noise = np.random.default_rng(0).normal(0, 300, (32, 32, 32)).astype(np.float32)
    return Volume(noise, (0.5,) * 3)


@torch.inference_mode()
def test_every_output_is_that_of_pytorch(working: None) -> None:
    network, image = a_network(), an_image()
    with ready(network, SHAPE, CPU, "full", "openvino") as run:
        for seed in (1, 0):  # the second pass must not show what the first one left
            answers = run(an_image(seed), Progress())
    for answer, expected in zip(answers, network(image), strict=True):
        assert answer.dtype == torch.float32
        torch.testing.assert_close(answer, expected[0], atol=1e-4, rtol=1e-4)


def test_the_labels_are_those_of_pytorch(working: None) -> None:
    scan = part_of_the_sample()
    expected = segment(scan, device="cpu", precision="full", backend="torch")
    teeth = expected.labels.array > 0
    assert len(expected.teeth) >= 8
    # In half precision a voxel of the surface is here and there another tooth's, or none.
    for precision, by, share in (("full", "openvino", 0.999), ("auto", "auto", 0.995)):
        result = segment(scan, device="cpu", precision=precision, backend=by)
        assert result.provenance["backend"] == "openvino"
        assert "openvino" in result.provenance["software"]
        either = teeth | (result.labels.array > 0)
        same = result.labels.array[either] == expected.labels.array[either]
        assert same.mean() >= share, (precision, same.mean())


def test_a_compiled_network_is_kept_and_others_are_not_taken_for_it(working: None) -> None:
    first, other = a_network(), a_network()
    with torch.no_grad():
        other.fine.bias += 1.0
    plans = [openvino_backend._compile(network, SHAPE, False) for network in (first, other)]
    assert plans[0] is not plans[1]
    assert openvino_backend._compile(a_network(), SHAPE, False) is plans[0]
    for edge in range(16, 16 + 16 * 2 * openvino_backend._KEPT, 16):
        openvino_backend._compile(first, (16, 16, edge), False)
    assert len(openvino_backend._kept) <= openvino_backend._KEPT


@torch.inference_mode()
def test_nothing_is_reported_to_anyone(working: None, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = pytest.importorskip("openvino_telemetry")
    told: list[object] = []
    for name in ("__init__", "send_event", "start_session"):
        monkeypatch.setattr(telemetry.Telemetry, name, lambda *words, **_: told.append(words))
    openvino_backend._converted(a_network())
    assert not told


@torch.inference_mode()
def test_a_pass_tells_how_far_it_is_and_can_be_stopped(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_backend, "_POLL_MS", 1)
    network = nn.Sequential(*(nn.Conv3d(1 if n == 0 else 16, 16, 5, padding=2) for n in range(12)))
    told: list[float] = []
    stop = threading.Event()

    def tell(fraction: float, _: str) -> None:
        told.append(fraction)
        if len(told) == 3:
            stop.set()

    image = torch.zeros(1, 1, 64, 64, 64)
    with (
        ready(network.eval(), (64, 64, 64), CPU, "full", "openvino") as run,
        pytest.raises(Cancelled),
    ):
        run(image, Progress(tell, stop.is_set))
    assert told == sorted(told)
    assert 0 < told[-1] < 1
    assert len(told) == 3


@torch.inference_mode()
def test_a_fault_of_the_listener_is_not_openvinos(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_backend, "_has_ended", lambda request: False)

    def tell(fraction: float, stage: str) -> None:
        raise BrokenPipeError("nobody listens")

    with (
        ready(a_network(), SHAPE, CPU, "full", "openvino") as run,
        pytest.raises(BrokenPipeError),
    ):
        run(an_image(), Progress(tell))


def test_a_pass_that_takes_longer_than_thought_never_seems_done() -> None:
    shares = [openvino_backend._likely(share) for share in np.linspace(0, 50, 500)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert openvino_backend._likely(0.5) == 0.5
    assert 0.99 < shares[-1] < 1


def test_by_itself_it_is_taken_on_a_processor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.backends.find_spec", lambda name: object())
    assert choose_backend("auto", CPU) == "openvino"
    assert choose_backend("torch", CPU) == "torch"
    assert choose_backend("auto", torch.device("cuda")) == "torch"
    with pytest.raises(InputError, match="on the processor, not on cuda"):
        choose_backend("openvino", torch.device("cuda"))


def test_without_it_pytorch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert choose_backend("auto", CPU) == "torch"
    result = segment(a_scan(), device="cpu")
    assert result.provenance["backend"] == "torch"
    assert "backend" not in [finding.code for finding in result.findings]
    with pytest.raises(InputError, match=r"^OpenVINO is not installed: [^\n]*pip install openvino"):
        segment(a_scan(), backend="openvino")


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InputError, match="'abacus'"):
        segment(a_scan(), backend="abacus")


def test_where_it_is_broken_pytorch_computes_and_it_is_said(
    broken: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        result = segment(a_scan(), device="cpu")
    assert result.provenance["backend"] == "torch"
    said = [finding for finding in result.findings if finding.code == "backend"]
    assert [finding.urgency for finding in said] == ["low"]
    assert "libtbb.so is gone" in said[0].message
    assert "PyTorch computed" in said[0].message
    assert "libtbb.so is gone" in caplog.text


def test_where_it_is_broken_and_was_asked_for_there_is_one_line(broken: None) -> None:
    with pytest.raises(BackendError, match=r"^OpenVINO does not work here \(libtbb[^\n]*$"):
        segment(a_scan(), device="cpu", backend="openvino")
