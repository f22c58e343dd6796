"""A panel whose runs cost nothing, and scans for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panel_fixture import open_panel, settle
from stub_worker import use_stub_worker


def open_stub_panel(toothseg: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel, whose runs see in 1000 + FDI the tooth of that number; the bundle "slow" takes a
    minute. Temporary files go to a folder."""
    use_stub_worker(monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return open_panel(toothseg)


def a_scan(name: str, *teeth: int) -> Any:
    """A volume node with these teeth in a row."""
    import slicer

    array = np.zeros((12, 12, 8 * max(len(teeth), 1)), np.int16)
    for place, fdi in enumerate(teeth):
        array[3:9, 3:9, 8 * place + 1 : 8 * place + 7] = 1000 + fdi
    node = slicer.util.addVolumeFromArray(array, name=name)
    settle()
    return node
