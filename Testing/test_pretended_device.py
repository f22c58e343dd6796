"""Whole scans and steps of training on a graphics device that is pretended: nothing is mixed up."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from learning_fixture import tiny_bundle, toy_scan
from pretended_device import PretendedDevice
from ToothSegLib import cascade, models
from ToothSegLib.architectures import build_network
from ToothSegLib.cli import doctor
from ToothSegLib.compute import device_faults, devices
from ToothSegLib.compute.backends import torch_pass
from ToothSegLib.compute.device_faults import DeviceUnfitError
from ToothSegLib.compute.device_trial import check_device
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.errors import InputError
from ToothSegLib.models import Bundle
from ToothSegLib.progress import Progress
from ToothSegLib.report import Segmentation
from ToothSegLib.training.on_device import Machine

KINDS = ("cuda", "mps")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "toy")


def run(bundle: Bundle, device: str, precision: str = "full") -> Segmentation:
    scan, _ = toy_scan(1)
    return cascade.segment(scan, bundle=bundle, device=device, precision=precision, backend="torch")


@pytest.fixture(scope="module")
def right(bundle: Bundle) -> Segmentation:
    """What the processor finds."""
    return run(bundle, "cpu")


def said(result: Segmentation) -> list[str]:
    return [f.code for f in result.findings if f.code.startswith("device")]


# What is pretended.


def test_tensors_of_two_devices_do_not_meet() -> None:
    with PretendedDevice("cuda"):
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert there.device == torch.device("cuda", 0)
        assert (there * 2 + torch.tensor(1.0))[1:].device.type == "cuda"
        assert float(there.sum()) == 3.0
        assert there[torch.tensor([True, False, True])].shape == (2,)
        assert torch.equal(there.cpu(), here)
        for mixed in (
            lambda: there + here,
            lambda: here[there > 0],
            lambda: torch.stack([there.sum(), here.sum()]),
            lambda: there.add_(here),
        ):
            with pytest.raises(RuntimeError, match="on the same device"):
                mixed()
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, device="cuda", generator=torch.Generator())


def test_metal_has_no_double_precision() -> None:
    with PretendedDevice("mps"):
        for made in (
            lambda: torch.ones(3, dtype=torch.float64).to("mps"),
            lambda: torch.ones(3, device="mps").double(),
        ):
            with pytest.raises(TypeError, match="float64"):
                made()


# Scans.


@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_gives_the_labels_of_the_processor(
    bundle: Bundle, right: Segmentation, kind: str
) -> None:
    with PretendedDevice(kind) as device:
        result = run(bundle, "auto")
    assert device.kernels["aten::conv3d"] > 10
    assert result.provenance["device"] == kind
    assert said(result) == []
    np.testing.assert_array_equal(result.labels.array, right.labels.array)


def test_full_precision_is_that_of_float32(bundle: Bundle) -> None:
    """In the trial as well: it would tell nothing of what is computed otherwise."""
    seen: dict[str, set[tuple[bool, bool]]] = {"full": set(), "auto": set()}
    for precision, type_ in (("full", torch.float32), ("auto", torch.float16)):

        def note(kernel: str, seen: set[tuple[bool, bool]] = seen[precision]) -> None:
            if "conv" in kernel:
                cudnn = torch.backends.cudnn
                seen.add((cudnn.conv.fp32_precision == "tf32", cudnn.deterministic))

        with PretendedDevice("cuda", error=note) as device:
            run(bundle, "cuda", precision)
        assert type_ in device.types
        assert (torch.float16 in device.types) == (precision == "auto")
    assert seen == {"full": {(False, True)}, "auto": {(True, True)}}


SWITCHES = ("enabled", "benchmark", "deterministic")


@pytest.fixture
def cudnn() -> Iterator[Any]:
    """PyTorch's switches, put back afterwards."""
    cudnn: Any = torch.backends.cudnn
    before, precision = [getattr(cudnn, name) for name in SWITCHES], cudnn.conv.fp32_precision
    yield cudnn
    for name, value in zip(SWITCHES, before, strict=True):
        setattr(cudnn, name, value)
    cudnn.conv.fp32_precision = precision


@pytest.mark.parametrize("half", [None, torch.float16])
@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_convolutions_are_as_precise_as_asked_whatever_was_set_before(
    cudnn: Any, half: torch.dtype | None, precision: str
) -> None:
    """Since PyTorch 2.9 the older switch must not be read once the newer one was touched."""
    cudnn.conv.fp32_precision = precision
    cudnn.benchmark = True

    def switches() -> list[Any]:
        return [*(getattr(cudnn, name) for name in SWITCHES), cudnn.conv.fp32_precision]

    before = switches()
    within = [True, False, True, "ieee" if half is None else "tf32"]
    with devices.as_precise("cuda", half):
        assert switches() == within
    with Machine(torch.device("cuda"), half).working():
        assert switches() == within
    with pytest.raises(InputError), devices.as_precise("cuda", half):
        raise InputError("cancelled")
    assert switches() == before
    with devices.as_precise("cpu", half):
        assert switches() == before


def test_the_older_switch_can_be_read_as_before(cudnn: Any) -> None:
    before = cudnn.allow_tf32
    with devices.as_precise("cuda", None):
        pass
    assert cudnn.allow_tf32 == before


def test_an_older_pytorch_is_told_by_its_own_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    older = SimpleNamespace(enabled=True, benchmark=True, deterministic=False, allow_tf32=True)
    monkeypatch.setattr(torch.backends, "cudnn", older)
    before = vars(older).copy()
    with devices.as_precise("cuda", None):
        within = {"enabled": True, "benchmark": False, "deterministic": True, "allow_tf32": False}
        assert vars(older) == within
    assert vars(older) == before


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "mps", "lacks": ("aten::max_pool3d_with_indices",)},
        {"kind": "mps", "wrong": ("aten::convolution",)},
        {"kind": "cuda", "wrong": ("aten::convolution",)},
        {"kind": "cuda", "error": "CUDA error: no kernel image is available for execution on the "
                                  "device\nCUDA kernel errors might be"},
        {"kind": "cuda", "error": "GET was unable to find an engine to execute this computation"},
        {"kind": "mps", "error": "ConvTranspose 3D is not supported on MPS"},
        {"kind": "cuda", "error": "CUDA error: an illegal memory access was encountered"},
    ],
)  # fmt: skip
def test_a_device_that_is_unfit_is_made_up_for(
    bundle: Bundle, right: Segmentation, options: dict, caplog: pytest.LogCaptureFixture
) -> None:
    message = options.pop("error", None)

    def fail(kernel: str) -> None:
        if "conv" in kernel:
            raise RuntimeError(message)

    with PretendedDevice(**options, error=fail if message else None):
        result = run(bundle, "auto")
    assert said(result) == ["device-unfit"]
    assert result.provenance["device"] == "cpu"
    assert result.provenance["device_that_failed"] == options["kind"]
    assert "device" in caplog.text
    if message:
        assert message.partition("\n")[0] in result.findings[-1].message
    np.testing.assert_array_equal(result.labels.array, right.labels.array)


@pytest.mark.parametrize(
    ("kind", "value", "for_good"),
    [("cuda", float("nan"), False), ("cuda", float("inf"), False), ("cuda", 0.0, True),
     ("cuda", 0.0, False), ("mps", 0.0, False)],
)  # fmt: skip
def test_a_device_that_goes_wrong_while_it_computes_is_made_up_for(
    bundle: Bundle, right: Segmentation, kind: str, value: float, for_good: bool
) -> None:
    """Its trial went well; of the pass over the scan no number is right, or none from then on."""
    with PretendedDevice(kind, spoilt=value, for_good=for_good):
        result = run(bundle, "auto")
    assert said(result) == ["device-unfit"]
    assert result.provenance["device"] == "cpu"
    np.testing.assert_array_equal(result.labels.array, right.labels.array)


def test_an_answer_that_is_truly_the_same_everywhere_is_no_fault() -> None:
    """As the locator's is where nothing looks like teeth, in noise too."""
    shape = {"in_channels": 1, "out_channels": 1, "n_blocks": 2, "start_filters": 2}
    network = build_network({"class": "UNet", "dim": 3, **shape})
    with torch.no_grad():
        network.head.weight[:] = 0.0
        network.head.bias[:] = -3.0
    noise = np.random.default_rng(0).random((64, 64, 64), np.float32)
    with PretendedDevice("cuda"):
        network.to("cuda")
        with torch_pass(network, "cuda", None) as there:
            (answer,) = there(noise, Progress())
    assert np.ptp(answer) == 0
    with PretendedDevice("cuda", spoilt=0.0):
        network.to("cuda")
        with (
            pytest.raises(DeviceUnfitError, match="one of its answers is the same everywhere"),
            torch_pass(network, "cuda", None) as there,
        ):
            there(noise, Progress())


@pytest.mark.parametrize(
    ("error", "given_up"),
    [("CUDA error: unspecified launch failure", ["cuda"]), ("CUDA error: misaligned", ["cuda"]),
     ("CUDA out of memory", [])],
)  # fmt: skip
def test_a_process_remembers_that_it_gave_its_device_up(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, error: str, given_up: list[str]
) -> None:
    def fail(kernel: str) -> None:
        raise RuntimeError(error)

    monkeypatch.setattr(device_faults, "_given_up", [])
    with PretendedDevice("cuda", error=fail):
        run(bundle, "auto")
    assert device_faults._given_up == given_up
    assert device_faults.has_given_up() == bool(given_up)


def test_a_card_that_is_wrong_in_half_precision_goes_on_in_full(
    bundle: Bundle, right: Segmentation
) -> None:
    """As the GTX 16 series is: its float16 gives numbers that are none."""
    with PretendedDevice("cuda", broken=torch.float16):
        result = run(bundle, "auto", "auto")
    assert said(result) == ["device-half"]
    assert "otherwise than the processor" in result.findings[-1].message
    told = {name: result.provenance[name] for name in ("device", "precision", "computed_in")}
    assert told == {"device": "cuda", "precision": "auto", "computed_in": "float32"}
    np.testing.assert_array_equal(result.labels.array, right.labels.array)


@pytest.mark.parametrize("precision", ["auto", "full"])
def test_the_provenance_names_the_card_and_its_numbers(
    bundle: Bundle, right: Segmentation, precision: str
) -> None:
    with PretendedDevice("cuda"):
        told = run(bundle, "auto", precision).provenance
    assert told["device_name"] == "a pretended card"
    assert told["computed_in"] == {"auto": "float16", "full": "float32"}[precision]
    assert "device_name" not in right.provenance
    assert right.provenance["computed_in"] == "float32"


def test_a_full_device_is_made_up_for(bundle: Bundle) -> None:
    def full(kernel: str) -> None:
        if kernel == "aten::cat":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with PretendedDevice("cuda", error=full):
        result = run(bundle, "auto", "auto")
    assert said(result) == ["device-memory"]


@pytest.mark.parametrize("dim", [2, 3])
def test_the_trial_leaves_a_network_as_it_was(dim: int) -> None:
    shape = {"in_channels": 1, "out_channels": 9, "n_blocks": 3, "start_filters": 2}
    network = build_network({"class": "UNet", "dim": dim, **shape}).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with PretendedDevice("cuda") as device:
        Machine(torch.device("cuda")).place(network, dim)
        check_device(network, "cuda", torch.float16, dim)
        after = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    assert device.kernels
    assert network.training
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_numbers_that_are_none_are_wrong() -> None:
    shape = {"in_channels": 1, "out_channels": 1, "n_blocks": 2, "start_filters": 2}
    network = build_network({"class": "UNet", "dim": 3, **shape})
    with torch.no_grad():
        network.head.bias.fill_(float("nan"))
    with PretendedDevice("cuda"):
        network.to("cuda")
        with pytest.raises(DeviceUnfitError, match="than the processor does"):
            check_device(network, "cuda")


def test_the_doctor_tries_the_device(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the networks that ship: another one may have nothing that the device lacks."""
    monkeypatch.setattr(models, "load_bundle", lambda: bundle)
    with PretendedDevice("cuda"):
        assert doctor._networks() == "by PyTorch on cuda, half precision"
        assert "CUDA, a pretended card" in doctor._computing()
        assert doctor._graphics() == "cuda is there"
    with PretendedDevice("cuda", broken=torch.float16):
        assert "full precision, for it fails in half" in doctor._networks()
    for lacks in ("aten::max_pool3d_with_indices", "aten::leaky_relu_"):
        with (
            PretendedDevice("mps", lacks=(lacks,)),
            pytest.raises(DeviceUnfitError, match=r"^the mps device cannot compute [^\n]*$"),
        ):
            doctor._networks()


# Choosing.


def too_old() -> bool:
    import warnings

    warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old", stacklevel=1)
    return False


@pytest.mark.parametrize(
    ("version", "by_itself"),
    [
        ("2.2.2", "cpu"),
        ("2.7.1", "cpu"),
        ("2.8.0a0+git1", "mps"),
        ("2.13.0", "mps"),
        ("3.0", "mps"),
    ],
)
def test_metal_is_taken_by_itself_only_where_pytorch_knows_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, version: str, by_itself: str
) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device() == by_itself
    assert choose_device("mps") == "mps"


def test_a_driver_that_is_too_old_is_said(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    monkeypatch.setattr(devices, "_complaints", [])
    result = run(bundle, "auto")
    assert result.provenance["device"] == "cpu"
    assert said(result) == ["device-unfit"]
    assert said(run(bundle, "cpu")) == []
    with pytest.raises(InputError, match=r"^this computer has no cuda .*too old[^\n]*$"):
        choose_device("cuda")


def test_the_doctor_names_a_driver_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[bool] = []

    def once() -> bool:  # as PyTorch does: in a process it says so but once
        return False if told else told.append(True) or too_old()

    monkeypatch.setattr(torch.cuda, "is_available", once)
    monkeypatch.setattr(devices, "_complaints", [])
    for name in ("_networks", "_drawing", "_weights", "_trial_run"):
        monkeypatch.setattr(doctor, name, lambda: "fine")
    assert doctor.run(Namespace(debug=False, quiet=False)) == 0
    out = capsys.readouterr().out
    assert "note    graphics    the graphics device cannot be used: CUDA init" in out
    assert "too old" in out
