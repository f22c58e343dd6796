"""The extras are optional: with all of them hidden ToothSeg checks itself and segments a scan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.cli import doctor
from ToothSegLib.compute import backends, devices
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume

ROOT = Path(__file__).resolve().parents[1]
# What they bring to be imported; None is how Python marks what is not to be found.
HIDDEN = """
import sys
from importlib.util import find_spec
names = ("openvino", "itk", "distributed", "dask")
sys.modules.update(dict.fromkeys(names))
assert not any(find_spec(name) for name in names)
from ToothSegLib.cli.main import main
sys.exit(main(["doctor"]) or main(["segment", sys.argv[1], "-o", sys.argv[2], "--no-picture"]))
"""


def test_doctor_and_segment_need_no_extra(tmp_path: Path) -> None:
    scan, out = tmp_path / "scan.nrrd", tmp_path / "out"
    noise = np.random.default_rng(0).normal(0, 300, (40, 40, 40)).astype(np.int16)
    write_volume(scan, Volume(noise, (0.5, 0.5, 0.5)))
    run = subprocess.run(
        [sys.executable, "-c", HIDDEN, str(scan), str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "BROKEN" not in run.stdout
    assert "by PyTorch" in run.stdout
    assert len(list(out.iterdir())) >= 2


def test_openvino_is_recommended_as_tested_and_for_the_python_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda _: None)
    monkeypatch.setattr(devices, "choose_device", lambda: "cpu")
    monkeypatch.setattr(sys, "executable", "/a folder/python")
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (tested,) = [line for line in lines if line.startswith("openvino==")]
    command = f"'/a folder/python' -m pip install {tested}"
    assert doctor._networks().endswith(f"; faster with OpenVINO: {command}")
    with pytest.raises(InputError, match="not installed") as told:
        backends.choose_backend("openvino", "cpu")
    assert str(told.value).endswith(f", or {command}")
