"""After Ctrl-C the process goes at once, whatever is still being read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.grids import nearest_label
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

STUCK = """
import sys, tempfile, time
from ToothSegLib import volume_io
from ToothSegLib.cli.main import program
from ToothSegLib.machine.in_threads import in_threads

def stuck(path, **options):
    with tempfile.TemporaryDirectory() as folder:
        print(folder, flush=True)
        in_threads(lambda n: time.sleep(600), range(4))

volume_io.read_volume = stuck
sys.argv = ["toothseg", "segment", sys.argv[1], "-o", sys.argv[2], "--device", "cpu"]
program()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_nobody_waits_for_a_reader(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nrrd"
    scan.write_bytes(b"NRRD0004\n")
    command = [sys.executable, "-c", STUCK, str(scan), str(tmp_path / "out")]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().strip()
        assert Path(folder).is_dir()
        process.send_signal(signal.SIGINT)
        try:
            # The sleeping threads alone would take ten minutes and more; PyTorch may be loading.
            _, told = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "cancelled" in told
    assert not Path(folder).exists()


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
@pytest.mark.parametrize("name", ["Scan.Nii.gz", "scan.nii.gz"])
def test_a_relative_link_is_followed(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    volume = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), (0.4,) * 3, (0.0,) * 3)
    sitk.WriteImage(to_itk(volume), str(tmp_path / "a" / "real.nii.gz"))
    link = tmp_path / "b" / name
    link.symlink_to(Path("..") / "a" / "real.nii.gz")
    if name == "scan.nii.gz":
        # So that it is read under another name.
        sitk.WriteImage(to_itk(volume), str(tmp_path / "b" / "scan.nii"))
    assert np.array_equal(read_volume(link).array, volume.array)


def test_many_cores_do_not_do_the_work_many_times(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    genuine = nearest_label.ndimage.distance_transform_edt

    def counted(*args: object, **options: object) -> object:
        calls.append(1)
        return genuine(*args, **options)

    monkeypatch.setattr(nearest_label, "thread_count", lambda: 64)
    monkeypatch.setattr(nearest_label.ndimage, "distance_transform_edt", counted)
    labels = np.zeros((128, 6, 6), np.uint8)
    labels[:, 2, 2] = 1
    nearest_label.nearest_within(labels, 2.0)
    assert len(calls) <= 8
