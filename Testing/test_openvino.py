"""OpenVINO computes what PyTorch does, can be stopped, and is made up for where it is broken."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from torch import nn

from network_fixture import SHAPE, UNET, a_network, a_published_network, an_image, stored
from ToothSegLib.bundles.stored_network import StoredNetwork
from ToothSegLib.cascade import segment
from ToothSegLib.compute import openvino_backend
from ToothSegLib.compute.backends import BackendError, choose_backend, ready
from ToothSegLib.errors import BundleError, Cancelled, InputError
from ToothSegLib.network import UNet
from ToothSegLib.progress import Progress
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

CPU = "cpu"


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


def part_of_the_sample() -> Volume:
    """Some teeth of both jaws, and little else."""
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    return scan.part((slice(16, 112), slice(0, 96), slice(16, 112)))


def in_a_fresh_process(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-1000:]
    return run.stdout


def a_scan() -> Volume:
    noise = np.random.default_rng(0).normal(0, 300, (32, 32, 32)).astype(np.float32)
    return Volume(noise, (0.5,) * 3)


@pytest.mark.parametrize("make", [a_network, a_published_network])
def test_every_output_is_that_of_pytorch(working: None, make: Callable[[], nn.Module]) -> None:
    network = make()
    with ready(stored(network), SHAPE, CPU, "full") as run:
        for seed in (1, 0):  # the second pass must not show what the first one left
            answers = run(an_image(seed), Progress())
    with ready(network, SHAPE, CPU, "full") as run:
        expected = run(an_image(), Progress())
    assert len(answers) == len(expected) == (1 if make is a_published_network else 3)
    for answer, meant in zip(answers, expected, strict=True):
        assert answer.dtype == np.float32
        assert meant.std() > 0.01
        np.testing.assert_allclose(answer, meant, atol=1e-4, rtol=1e-4)


def test_a_tile_that_is_a_part_of_an_image_is_read_as_it_lies(working: None) -> None:
    whole = np.zeros((40, 40, 60), np.float32)
    whole[4:36, 4:36, 6:54] = an_image()
    with ready(stored(a_network()), SHAPE, CPU, "full") as run:
        expected = run(an_image(), Progress())
        answers = run(whole[4:36, 4:36, 6:54], Progress())
    for answer, meant in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer, meant)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: n.weights.pop("edge.bias"), r"edge.bias is not there, by the architecture 4"),
        (lambda n: n.weights.update(extra=np.ones(2)), "extra is 2, by the architecture not there"),
        (lambda n: n.weights.update({"edge.bias": np.ones(5)}), "edge.bias is 5, by the .* 4"),
        (lambda n: n.architecture.update(edge_width=5), "do not fit"),
        (lambda n: n.architecture.update(widths=7), "cannot be built as a ToothNet"),
        (lambda n: n.architecture.update(depth=3), "cannot be built as a ToothNet"),
        (lambda n: n.architecture.update(edge_width=10**9), "its card asks for"),
        (lambda n: n.architecture.update({"class": "Abacus"}), "unknown class 'Abacus'"),
        (lambda n: n.architecture.update({"class": "UNet", **UNET, "dim": 2}), "cannot be built"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    working: None,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[StoredNetwork], object],
    words: str,
) -> None:
    monkeypatch.setattr(openvino_backend, "_kept", {})
    network = stored(a_network())
    change(network)
    with (
        pytest.raises(BundleError, match=f"^network 'made up' .*{words}") as caught,
        ready(network, SHAPE, CPU, "full"),
    ):
        pass
    assert "\n" not in str(caught.value)


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
    first, other = stored(a_network()), stored(a_network(1))
    plans = [openvino_backend._compile(network, SHAPE, False) for network in (first, other)]
    assert plans[0] is not plans[1]
    assert openvino_backend._compile(stored(a_network()), SHAPE, False) is plans[0]
    for edge in range(16, 16 + 16 * 2 * openvino_backend._KEPT, 16):
        openvino_backend._compile(first, (16, 16, edge + 16), False)
    assert len(openvino_backend._kept) <= openvino_backend._KEPT


def test_nothing_is_reported_to_anyone(working: None) -> None:
    # Loaded by itself, OpenVINO tells its vendor so, unless that has been forbidden.
    code = (
        "import sys\n"
        "from ToothSegLib.compute import openvino_backend\n"
        "openvino_backend._core()\n"
        "assert 'openvino' in sys.modules\n"
        "print(*sys.modules)"
    )
    loaded = set(in_a_fresh_process(code).split())
    assert not loaded & {"openvino.tools.ovc", "openvino_telemetry"}


def test_neither_pytorch_nor_what_reports_is_loaded(working: None, tmp_path: Path) -> None:
    write_volume(tmp_path / "scan.nrrd", part_of_the_sample())
    words = [
        "segment", str(tmp_path / "scan.nrrd"), "-o", str(tmp_path / "out"), "--quiet",
        "--device", "cpu", "--backend", "openvino", "--precision", "full",
    ]  # fmt: skip
    code = (
        "import sys\n"
        "from ToothSegLib.cli.main import main\n"
        f"assert main({words!r}) == 0\n"
        "print(*sys.modules)"
    )
    loaded = set(in_a_fresh_process(code).split())
    assert len(list((tmp_path / "out" / "stl").iterdir())) >= 8
    assert not loaded & {"torch", "openvino_telemetry"}


def test_a_pass_tells_how_far_it_is_and_can_be_stopped(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_backend, "_POLL_MS", 1)
    with mock.patch.dict(UNET, start_filters=16):
        network = stored(UNet(**UNET))
    told: list[float] = []
    stop = threading.Event()

    def tell(fraction: float, _: str) -> None:
        told.append(fraction)
        if len(told) == 3:
            stop.set()

    image = np.zeros((64, 64, 64), np.float32)
    with (
        ready(network, image.shape, CPU, "full") as run,
        pytest.raises(Cancelled),
    ):
        run(image, Progress(tell, stop.is_set))
    assert told == sorted(told)
    assert 0 < told[-1] < 1
    assert len(told) == 3


def test_a_fault_of_the_listener_is_not_openvinos(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_backend, "_has_ended", lambda request: False)

    def tell(fraction: float, stage: str) -> None:
        raise BrokenPipeError("nobody listens")

    with (
        ready(stored(a_network()), SHAPE, CPU, "full") as run,
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
    monkeypatch.setattr("ToothSegLib.compute.backends.find_spec", lambda name: object())
    assert choose_backend("auto", CPU) == "openvino"
    assert choose_backend("torch", CPU) == "torch"
    assert choose_backend("auto", "cuda") == "torch"
    with pytest.raises(InputError, match="on the processor, not on cuda"):
        choose_backend("openvino", "cuda")


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
