"""An export that is refused, fails or is cancelled leaves nothing behind."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from export_fixture import everything_in, names_in
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.meshes.mesh_names import mesh_stem


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Files cannot grow beyond a size in bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"format": "PLY"}, "'PLY' is no format of surfaces: choose STL or OBJ"),
        ({"grouping": "jaw"}, "'jaw' is no way to group"),
        ({"smoothing": 1.5}, "1.5 is not between 0 and 1"),
        ({"smoothing": float("nan")}, "nan is not between 0 and 1"),
    ],
)
def test_options_that_are_none(
    exporter: Any, teeth_node: Any, tmp_path: Path, option: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        exporter.export_surfaces(teeth_node, tmp_path, **option)


def test_nothing_to_export(exporter: Any, scene: Any, tmp_path: Path) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    before = everything_in(scene)
    for call in (
        lambda: exporter.export_surfaces(node, tmp_path),
        lambda: exporter.export_models(node),
        lambda: exporter.export_labelmap(node, None),
        lambda: exporter.export_segmentation(node, tmp_path / "a.seg.nrrd"),
    ):
        with pytest.raises(InputError, match="no teeth to export"):
            call()
    assert names_in(tmp_path) == []
    assert everything_in(scene) == before


def test_a_folder_that_cannot_be_written_to(
    exporter: Any, teeth_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, a_file, closed = tmp_path / "missing", tmp_path / "file", tmp_path / "closed"
    a_file.write_text("")
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    for folder, words in ((missing, "there is no folder .*missing"), (a_file, "is a file")):
        with pytest.raises(OutputError, match=words):
            exporter.export_surfaces(teeth_node, folder)
        with pytest.raises(OutputError, match=words):
            exporter.export_segmentation(teeth_node, folder / "a.seg.nrrd")
    if os.geteuid() == 0:  # whom no permission stops

        def refuse(*args: Any, **options: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match="cannot write to .*closed: Permission denied"):
        exporter.export_surfaces(teeth_node, closed)
    assert names_in(tmp_path) == ["closed", "file"]


@pytest.mark.parametrize("format", ["STL", "OBJ"])
def test_a_full_disk_leaves_nothing(
    exporter: Any, teeth_node: Any, tmp_path: Path, format: str
) -> None:
    kept = tmp_path / f"{mesh_stem(11)}.{format.lower()}"
    kept.write_text("mine")
    with file_size_limit(2000), pytest.raises(OutputError, match="the disk may be full") as caught:
        exporter.export_surfaces(teeth_node, tmp_path, format=format, overwrite=True)
    assert ".toothseg-" not in str(caught.value)
    assert names_in(tmp_path) == [kept.name]
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("room", [100, 2000])
def test_a_full_disk_leaves_no_segmentation_file(
    exporter: Any, teeth_node: Any, tmp_path: Path, room: int
) -> None:
    with file_size_limit(room), pytest.raises(OutputError, match="the disk may be full"):
        exporter.export_segmentation(teeth_node, tmp_path / "a.seg.nrrd")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("steps", "stage"), [(3, "making surfaces"), (6, "writing surfaces")])
def test_a_cancelled_export_leaves_nothing(
    exporter: Any, teeth_node: Any, tmp_path: Path, steps: int, stage: str
) -> None:
    stages: list[tuple[float, str]] = []
    with pytest.raises(Cancelled):
        exporter.export_surfaces(
            teeth_node,
            tmp_path,
            progress=lambda fraction, stage: stages.append((fraction, stage)),
            cancelled=lambda: len(stages) == steps,
        )
    assert stages[-1][1] == stage
    assert stages == sorted(stages)
    assert names_in(tmp_path) == []
