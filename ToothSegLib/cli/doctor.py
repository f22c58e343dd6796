"""`toothseg doctor`: does this installation work, in plain words."""

from __future__ import annotations

import argparse
import importlib
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ToothSegLib.command_line import command_line
from ToothSegLib.errors import one_line

OLDEST_PYTHON = (3, 10)
ENOUGH_MEMORY_GIB = 3.0
ENOUGH_DISK_GIB = 1.0

_MODULES = {"pynrrd": "nrrd"}  # package: the module that it brings, if called otherwise


@dataclass(frozen=True)
class Check:
    """What was looked at and found; `needed` says whether ToothSeg works without it."""

    title: str
    look: Callable[[], str]
    needed: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options of its own."""


def run(args: argparse.Namespace) -> int:
    """Make every check and tell each one's result; 2 if something needed does not work."""
    from ToothSegLib.report import PACKAGES

    checks = [
        Check("Python", _python),
        *(Check(package, partial(_package, package)) for package in PACKAGES),
        Check("computing", _computing),
        Check("graphics", _graphics, needed=False),
        Check("networks", _networks, needed=False),
        Check("drawing", _drawing, needed=False),
        Check("weights", _weights),
        Check("memory", _memory, needed=False),
        Check("disk", _disk, needed=False),
        Check("trial run", _trial_run),
    ]
    broken = 0
    for check in checks:
        try:
            verdict, words = "ok", check.look()
        except Exception as error:  # any fault of an installation may show here
            if args.debug:
                raise
            verdict = "BROKEN" if check.needed else "note"
            words = one_line(error)
            broken += check.needed
        if not args.quiet or verdict == "BROKEN":
            print(f"{verdict:<7} {check.title:<11} {words}")
    if not args.quiet:
        print("\nSomething does not work." if broken else "\nToothSeg works here.")
    return 2 if broken else 0


def _python() -> str:
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise RuntimeError(f"{platform.python_version()} is too old: install {oldest} or later")
    return f"{platform.python_version()} on {platform.platform(terse=True)}"


def _package(package: str) -> str:
    from ToothSegLib.report import software_versions

    try:
        importlib.import_module(_MODULES.get(package, package))
    except ImportError as error:
        repair = command_line(sys.executable or "python", "-m", "pip", "install", package)
        raise RuntimeError(f"{error}: {repair}") from error
    return software_versions()[package]


def _computing() -> str:
    import torch

    from ToothSegLib.compute.devices import choose_device, device_name

    device = choose_device()
    threads = torch.get_num_threads()
    devices = [f"CPU, {threads} {'thread' if threads == 1 else 'threads'}"]
    if device != "cpu":
        devices.append(f"{device.upper()}, {device_name(device) or 'Apple silicon'}")
    return "; ".join(devices)


def _graphics() -> str:
    """A driver that PyTorch cannot use: scans are computed all the same, but slowly."""
    from ToothSegLib.compute.devices import choose_device, unusable_graphics

    device = choose_device()
    if unusable_graphics():
        raise RuntimeError(f"the graphics device cannot be used: {unusable_graphics()}")
    return "none that PyTorch can use" if device == "cpu" else f"{device} is there"


def _networks() -> str:
    """What computes the networks; those that ship are tried, for an installation may be damaged,
    and a graphics device may lack what one of them needs."""
    from ToothSegLib.compute.backends import choose_backend, how_to_install
    from ToothSegLib.compute.device_faults import DeviceUnfitError
    from ToothSegLib.compute.devices import choose_device, has_half
    from ToothSegLib.report import software_versions

    device = choose_device()
    half = "half precision" if has_half(device) else "full precision"
    backend = choose_backend("auto", device)
    if backend == "torch" and device == "cpu":
        return f"by PyTorch, {half}; faster with OpenVINO: {how_to_install()}"
    try:
        _try_networks(device, backend, "auto")
    except DeviceUnfitError as error:
        if not has_half(device):
            raise
        _try_networks(device, backend, "full")
        half = f"full precision, for it fails in half precision ({error.reason})"
    if backend == "torch":
        return f"by PyTorch on {device}, {half}"
    return f"by OpenVINO {software_versions()['openvino']}, {half}"


def _try_networks(device: str, backend: str, precision: str) -> None:
    import numpy as np

    from ToothSegLib.compute.backends import load_network, ready
    from ToothSegLib.compute.device_faults import device_faults
    from ToothSegLib.models import load_bundle
    from ToothSegLib.progress import Progress

    bundle = load_bundle()
    noise = np.random.default_rng(0).normal(0, 1, (48, 48, 48)).astype(np.float32)
    with device_faults(device, "trial"):
        for role in bundle.networks:
            network = load_network(bundle, role, device, backend)
            with ready(network, noise.shape, device, precision) as run:
                run(noise, Progress())


def _drawing() -> str:
    from ToothSegLib.drawing.offscreen import offscreen_window, pixels

    window = offscreen_window(64, 64)
    pixels(window)
    return f"pictures without a screen, by {window.GetClassName()[3:-12] or 'OpenGL'}"


def _weights() -> str:
    from ToothSegLib.models import (
        default_bundle_name,
        list_bundles,
        load_bundle,
        outlived_promotion,
    )

    names = list_bundles()
    for name in names:
        load_bundle(name).verify()
    load_bundle()  # the default may be none of them any more
    words = f"{', '.join(names)}, all intact; the default is {default_bundle_name()}"
    line = outlived_promotion()
    return f"{words}; {line}" if line else words


def _memory() -> str:
    from ToothSegLib.machine.capacity import free_memory_gib

    free = free_memory_gib()
    if free is None:
        return "unknown"
    if free < ENOUGH_MEMORY_GIB:
        raise RuntimeError(f"{free:.1f} GiB free: a large scan may need {ENOUGH_MEMORY_GIB:.0f}")
    return f"{free:.1f} GiB free"


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    if free < ENOUGH_DISK_GIB:
        raise RuntimeError(f"{free:.1f} GiB free in this folder: results may not fit")
    return f"{free:.1f} GiB free in this folder"


def _trial_run() -> str:
    import numpy as np

    from ToothSegLib import cascade
    from ToothSegLib.models import load_bundle
    from ToothSegLib.volume import Volume

    # Noise: there is nothing to find, but every step of the way is gone.
    noise = np.random.default_rng(0).normal(0, 300, (48, 48, 48)).astype(np.float32)
    volume = Volume(noise, spacing=(0.5, 0.5, 0.5))
    result = cascade.segment(volume, bundle=load_bundle(), device="cpu")
    return f"the whole way on a small volume of noise, {len(result.teeth)} teeth in it"
