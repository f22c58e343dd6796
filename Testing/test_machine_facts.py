"""What is told of this computer without PyTorch is what PyTorch would say, or nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from ToothSegLib.compute import devices
from ToothSegLib.machine import machine_facts
from ToothSegLib.machine.machine_facts import has_bfloat16, surely_without_graphics

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if PyTorch had not been loaded yet."""
    monkeypatch.delitem(sys.modules, "torch")


def test_what_the_build_was_made_for_is_read_from_its_file() -> None:
    told = machine_facts._torch_version()
    assert told is not None
    assert told["__version__"] == torch.__version__
    assert (told["cuda"], told["hip"]) == (torch.version.cuda, torch.version.hip)


@pytest.mark.parametrize(
    ("built_for", "driver", "expected"),
    [
        ({"cuda": None, "hip": None}, True, True),
        ({"cuda": "13.0", "hip": None}, False, True),
        ({"cuda": "13.0", "hip": None}, True, False),
        ({"cuda": None, "hip": "6.4"}, False, False),
        (None, False, False),
    ],
)
def test_pytorch_is_asked_unless_it_can_find_nothing(
    unloaded: None,
    monkeypatch: pytest.MonkeyPatch,
    built_for: dict | None,
    driver: bool,
    expected: bool,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(machine_facts, "_torch_version", lambda: built_for)
    monkeypatch.setattr(machine_facts, "_has_nvidia_driver", lambda: driver)
    assert surely_without_graphics() is expected
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not surely_without_graphics()


def test_where_nothing_is_sure_pytorch_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "surely_without_graphics", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.choose_device() == "cuda"
    monkeypatch.setattr(devices, "surely_without_graphics", lambda: True)
    assert devices.choose_device() == "cpu"


@pytest.mark.parametrize("sure", [True, False])
def test_a_graphics_device_is_possible_where_there_may_be_one(
    monkeypatch: pytest.MonkeyPatch, sure: bool
) -> None:
    monkeypatch.setattr(devices, "surely_without_graphics", lambda: sure)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.may_be_graphics("auto") is not sure
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not devices.may_be_graphics("auto")  # PyTorch is loaded, and says so
    monkeypatch.delitem(sys.modules, "torch")
    assert devices.may_be_graphics("auto") is not sure
    assert devices.may_be_graphics("mps")
    assert not devices.may_be_graphics("cpu")


@LINUX
def test_bfloat16_is_found_where_pytorch_finds_it(unloaded: None) -> None:
    told = has_bfloat16()
    sys.modules["torch"] = torch
    assert told in (None, devices.half_type("cpu") is not None)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512f", False), ("fpu avx512f avx512_bf16", True), ("amx_tile fpu", True)],
)
def test_bfloat16_is_read_from_what_linux_tells(
    unloaded: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, expected: bool
) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    monkeypatch.setattr(machine_facts, "_CPU_FACTS", facts)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert has_bfloat16() is expected
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert has_bfloat16() is None
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    facts.unlink()
    assert has_bfloat16() is None


def test_openvino_computes_on_the_processor_where_any_device_will_do() -> None:
    assert devices.asked_for("auto", "openvino") == "cpu"
    assert devices.asked_for("auto", "auto") == "auto"
    assert devices.asked_for("cuda", "openvino") == "cuda", "which is refused, and not passed over"
    assert devices.kind_of("cuda:1") == devices.kind_of("cuda") == "cuda"
