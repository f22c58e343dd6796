"""What other systems do differently, as far as it can be tried on this one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from ToothSegLib.batch import manifest as manifests
from ToothSegLib.batch.entry import Entry
from ToothSegLib.batch.manifest import Manifest
from ToothSegLib.cascade import segment
from ToothSegLib.command_line import command_line
from ToothSegLib.compute.backends import as_array, as_tensor
from ToothSegLib.compute.openvino_backend import _Pace
from ToothSegLib.dataset.exchange import whole_folder
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import OutputError
from ToothSegLib.formats.nrrd_io import read_fields
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume


def test_arrays_and_tensors_are_the_same_numbers() -> None:
    array = np.random.default_rng(0).normal(0, 1, (3, 4, 5)).astype(np.float32)
    for one in (array, array[:, 1:3], array.transpose(2, 0, 1)):
        tensor = as_tensor(one)
        assert torch.equal(tensor, torch.from_numpy(np.ascontiguousarray(one)))
        tensor += 1  # a copy
        np.testing.assert_array_equal(as_array(tensor.permute(1, 0, 2)), one.swapaxes(0, 1) + 1)
    np.testing.assert_array_equal(as_array(torch.ones(2, 2, dtype=torch.bfloat16)), 1.0)


def test_a_pytorch_that_knows_no_numpy_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the last one for Intel's Macs, beside NumPy 2."""

    def unavailable(*_: object) -> None:
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch, "from_numpy", unavailable)
    monkeypatch.setattr(torch.Tensor, "numpy", unavailable)
    grey = np.random.default_rng(0).normal(0, 100, (20, 20, 20)).astype(np.int16)
    result = segment(Volume(grey, (0.5, 0.5, 0.5)), device="cpu", backend="torch")
    assert result.labels.shape == (20, 20, 20)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("dtype", [np.int16, np.float16, bool])
def test_without_pynrrd_simpleitk_writes(
    dtype: type, level: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direction = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    array = (np.arange(24).reshape(2, 3, 4) % 7).astype(dtype)
    volume = Volume(array, (0.3, 0.4, 0.5), (1.0, 2.0, 3.0), direction)
    header = {"Segment0_Name": "36 lower left first molar"}
    with monkeypatch.context() as slicer:
        slicer.setitem(sys.modules, "nrrd", None)
        write_volume(tmp_path / "a.seg.nrrd", volume, compression_level=level, header=header)
        with pytest.raises(OutputError, match="cannot write"):
            write_volume(tmp_path / "no folder" / "a.nrrd", volume)
    write_volume(tmp_path / "b.seg.nrrd", volume, compression_level=level, header=header)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.seg.nrrd", "b.seg.nrrd"]
    one, other = (read_volume(tmp_path / f"{name}.seg.nrrd") for name in "ab")
    assert one.array.dtype == other.array.dtype
    np.testing.assert_array_equal(one.array, other.array)
    np.testing.assert_allclose(one.index_to_lps, other.index_to_lps)
    fields = [read_fields(tmp_path / f"{name}.seg.nrrd") for name in "ab"]
    for field in ("Segment0_Name", "encoding", "space"):
        assert fields[0][field] == fields[1][field]


def test_without_pynrrd_simpleitk_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Slicer's Python."""
    direction = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_volume(tmp_path / "a.nrrd", Volume(array, (0.3, 0.4, 0.5), (1.0, 2.0, 3.0), direction))
    by_pynrrd = read_volume(tmp_path / "a.nrrd")
    monkeypatch.setitem(sys.modules, "nrrd", None)
    volume = read_volume(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(volume.array, by_pynrrd.array)
    np.testing.assert_allclose(volume.index_to_lps, by_pynrrd.index_to_lps)


@pytest.mark.parametrize("litter", [(".DS_Store", "._x"), ("desktop.ini",), ()])
def test_a_folder_that_looks_empty_is_empty(litter: Sequence[str], tmp_path: Path) -> None:
    for folder in ("set", "export"):
        (tmp_path / folder).mkdir()
        for name in litter:
            (tmp_path / folder / name).touch()
    Dataset.create(tmp_path / "set")
    with whole_folder(tmp_path / "export") as stage:
        (stage / "case").touch()
    assert [path.name for path in (tmp_path / "export").iterdir()] == ["case"]
    (tmp_path / "odd" / "._x").mkdir(parents=True)
    with pytest.raises(OutputError, match="is there already"), whole_folder(tmp_path / "odd"):
        pass
    with pytest.raises(OutputError, match="is there already"), whole_folder(tmp_path / "export"):
        pass


def test_whoever_reads_the_manifest_does_not_end_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a file that another program has open cannot be replaced."""

    def held(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    (tmp_path / "run").mkdir()
    manifest = Manifest(tmp_path / "run", [])
    monkeypatch.setattr(manifests.os, "replace", held)
    monkeypatch.setattr(manifests, "_READERS_HOLD_IT", True)
    manifest.update(Entry("a", "a.nrrd"))
    assert [entry.name for entry in manifest.entries] == ["a"]
    with pytest.raises(OutputError, match="cannot write"):
        manifest.write()
    monkeypatch.setattr(manifests, "_READERS_HOLD_IT", False)
    with pytest.raises(OutputError, match="cannot write"):
        manifest.update(Entry("b", "b.nrrd"))
    monkeypatch.undo()
    manifest.write()
    assert manifest.path.read_text().count("\n") == 2


def test_a_clock_that_stands_still_is_no_pace_of_nothing() -> None:
    pace = _Pace()
    pace.learn(0.0, 1e9)
    assert pace.seconds > 0


def test_commands_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("toothseg", "models", "promote", "my folder/new")
    monkeypatch.setattr(sys, "platform", "linux")
    assert shlex.split(command_line(*words)) == list(words)
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line("C:\\Program Files\\python.exe", "-m", "pip") == (
        '"C:\\Program Files\\python.exe" -m pip'
    )
    assert command_line("C:\\Users\\a\\new") == "C:\\Users\\a\\new"
