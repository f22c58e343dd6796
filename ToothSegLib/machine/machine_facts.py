"""What this computer has, told without loading PyTorch, as far as that can be told surely."""

from __future__ import annotations

import ctypes
import platform
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

_CPU_FACTS = Path("/proc/cpuinfo")
# Instructions for bfloat16, by the names that Linux gives them.
_BFLOAT16 = {"avx512_bf16", "amx_tile"}


def surely_without_graphics() -> bool:
    """True if PyTorch would find no graphics device here; False if only PyTorch can tell.

    It finds none if it was built for none, or if the driver's library is not there.
    """
    if sys.platform == "darwin" or "torch" in sys.modules:
        return False
    built_for = _torch_version()
    if built_for is None or built_for.get("hip"):
        return False
    return not built_for.get("cuda") or not _has_nvidia_driver()


def has_bfloat16() -> bool | None:
    """Whether the processor has instructions for bfloat16; None where only PyTorch can tell."""
    if platform.machine().lower() not in ("x86_64", "amd64") or "torch" in sys.modules:
        return None
    try:
        lines = _CPU_FACTS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # no Linux
        return None
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), None)
    return None if flags is None else not _BFLOAT16.isdisjoint(flags.split())


def _torch_version() -> dict[str, object] | None:
    """What the file that PyTorch's build has left says: its version, and of what kind it is."""
    try:
        spec = find_spec("torch")
        folders = spec.submodule_search_locations if spec else None
        return runpy.run_path(str(Path(folders[0]) / "version.py")) if folders else None
    except Exception:  # whatever is odd about it, PyTorch itself is asked then
        return None


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
