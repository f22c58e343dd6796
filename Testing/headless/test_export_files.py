"""The files of an export: their names and groups, what is in them, and which they may replace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export_fixture import TEETH, names_in, read_obj, read_stl, tooth_of_labels
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.meshes.mesh_names import mesh_stem, stl_name
from ToothSegLib.surfaces import is_manifold
from ToothSegLib.teeth import by_fdi
from ToothSegLib.volume import Volume


def test_names_of_files_are_those_of_the_command_line(
    exporter: Any, teeth_node: Any, tmp_path: Path
) -> None:
    exporter.export_surfaces(teeth_node, tmp_path)
    assert "11_upper_right_central_incisor.stl" in names_in(tmp_path)


@pytest.mark.parametrize(
    ("grouping", "stems"),
    [
        ("category", ["lower_molars", "upper_canines", "upper_incisors"]),
        ("all", ["teeth"]),
    ],
)
@pytest.mark.parametrize("format", ["STL", "OBJ"])
def test_grouped_files_hold_all_of_their_teeth(
    exporter: Any,
    teeth_node: Any,
    tmp_path: Path,
    labels: Volume,
    format: str,
    grouping: str,
    stems: list[str],
) -> None:
    paths = exporter.export_surfaces(teeth_node, tmp_path, format=format, grouping=grouping)
    endings = (".stl",) if format == "STL" else (".mtl", ".obj")
    assert names_in(tmp_path) == [stem + ending for stem in stems for ending in endings]
    assert sorted(path.name for path in paths) == names_in(tmp_path)
    read = read_stl if format == "STL" else read_obj
    surfaces = [read(path) for path in paths if path.suffix != ".mtl"]
    assert all(is_manifold(surface) for surface in surfaces)
    wanted = sum(tooth_of_labels(labels, fdi)[0] for fdi in TEETH)
    assert 0.9 * wanted < sum(surface.volume_mm3 for surface in surfaces) < 1.02 * wanted


@pytest.mark.parametrize("grouping", ["tooth", "all"])
def test_obj_has_names_and_colours_of_the_teeth(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume, grouping: str
) -> None:
    # The second is the same as the first but for its place, so that only the place tells them.
    array = labels.array.copy()
    array[array == 13] = 0
    array[:, :, 16:32][labels.array[:, :, :16] == 11] = 13
    node, _ = put(labels.with_array(array))
    paths = exporter.export_surfaces(node, tmp_path, format="OBJ", grouping=grouping)
    found = {}
    for path in paths:
        if path.suffix == ".obj":
            materials = read_mtl(path.with_suffix(".mtl"))
            assert f"mtllib {path.stem}.mtl" in path.read_text().splitlines()
            groups = read_groups(path)
            assert list(materials) == list(groups)
            found |= {name: (*groups[name], materials[name]) for name in groups}
    assert list(found) == [mesh_stem(fdi) for fdi in TEETH]
    for fdi, (material, middle, values) in zip(TEETH, found.values()):
        assert material == mesh_stem(fdi)
        centre = tooth_of_labels(labels.with_array(array), fdi)[1]
        np.testing.assert_allclose(middle, centre, atol=0.3)
        colour = np.array(values["Kd"].split(), float)
        np.testing.assert_allclose(colour, np.array(by_fdi(fdi).colour) / 255, atol=1e-6)
        assert values["d"] == "1"
        assert "Tr" not in values


def read_mtl(path: Path) -> dict[str, dict[str, str]]:
    """Material -> keyword -> value."""
    materials: dict[str, dict[str, str]] = {}
    for line in filter(None, path.read_text().splitlines()):
        keyword, value = line.split(maxsplit=1)
        if keyword == "newmtl":
            materials[value] = {}
        else:
            list(materials.values())[-1][keyword] = value
    return materials


def read_groups(path: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Group -> its material, and the middle of its bounds."""
    points, used = [], {}
    for line in filter(None, path.read_text().splitlines()):
        keyword, *values = line.split()
        if keyword == "v":
            points.append(values)
        elif keyword == "g":
            group = used.setdefault(values[0], [])
        elif keyword in ("usemtl", "f"):
            group.append(values)
    places, middles = np.array(points, float), {}
    for name, ((material,), *faces) in used.items():
        corners = places[[int(corner.split("/")[0]) - 1 for face in faces for corner in face]]
        middles[name] = (material, (corners.min(axis=0) + corners.max(axis=0)) / 2)
    return middles


def test_files_that_are_there_are_replaced_only_if_asked_for(
    exporter: Any, teeth_node: Any, tmp_path: Path
) -> None:
    there = tmp_path / stl_name(13)
    there.write_text("mine")
    with pytest.raises(OutputError, match=f"{stl_name(13)} exists: choose another folder"):
        exporter.export_surfaces(teeth_node, tmp_path)
    assert names_in(tmp_path) == [there.name]
    assert there.read_text() == "mine"
    exporter.export_surfaces(teeth_node, tmp_path, overwrite=True)
    assert is_manifold(read_stl(there))
    assert names_in(tmp_path) == [stl_name(fdi) for fdi in TEETH]


def test_surfaces_of_teeth_that_are_no_longer_there_go(
    exporter: Any, teeth_node: Any, tmp_path: Path
) -> None:
    from ToothSegScene.editing import Corrections

    for name in ("notes.txt", "99_mine.stl", "teeth.obj", "Teeth.stl"):
        (tmp_path / name).write_text("mine")
    others = names_in(tmp_path)
    exporter.export_surfaces(teeth_node, tmp_path)
    before = names_in(tmp_path)
    # As an earlier export of another patient, or by other groups, may have left them.
    for name in (stl_name(18), "lower_incisors.stl", "teeth.stl"):
        (tmp_path / name).write_text("old")
    corrections = Corrections(teeth_node)
    corrections.renumber(13, 14)
    corrections.delete([47])
    corrections.delete([11])
    with pytest.raises(OutputError, match=f"another export .{stl_name(11)}, {stl_name(13)}"):
        exporter.export_surfaces(teeth_node, tmp_path)
    assert set(before) < set(names_in(tmp_path))
    exporter.export_surfaces(teeth_node, tmp_path, overwrite=True)
    assert names_in(tmp_path) == sorted([*others, stl_name(14)])


def test_surfaces_in_another_format_stay(exporter: Any, teeth_node: Any, tmp_path: Path) -> None:
    exporter.export_surfaces(teeth_node, tmp_path)
    exporter.export_surfaces(teeth_node, tmp_path, format="OBJ", grouping="all")
    assert names_in(tmp_path) == [*(stl_name(fdi) for fdi in TEETH), "teeth.mtl", "teeth.obj"]
    exporter.export_surfaces(
        teeth_node, tmp_path, format="OBJ", grouping="category", overwrite=True
    )
    assert "teeth.mtl" not in names_in(tmp_path)
    assert "teeth.obj" not in names_in(tmp_path)
    assert stl_name(11) in names_in(tmp_path)


@pytest.mark.parametrize("depth", [1, 8], ids=["non-ASCII", "over 260 characters"])
def test_paths_of_all_kinds(exporter: Any, teeth_node: Any, tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["Zähne é 歯 " + "x" * 30] * depth)
    folder.mkdir(parents=True)
    assert depth == 1 or len(str(folder)) > 260
    stl = exporter.export_surfaces(teeth_node, folder)
    obj = exporter.export_surfaces(teeth_node, folder, format="OBJ", grouping="all")
    seg = exporter.export_segmentation(teeth_node, folder / "歯.seg.nrrd")
    assert is_manifold(read_stl(stl[0]))
    assert is_manifold(read_obj(obj[0]))
    assert seg.stat().st_size > 0
    assert len(names_in(folder)) == len(TEETH) + 3


def test_segmentation_file_comes_back_whole(
    exporter: Any, scene: Any, put: Any, tmp_path: Path, labels: Volume
) -> None:
    import slicer

    node, volume = put(labels)
    storage = node.GetStorageNode()
    path = exporter.export_segmentation(node, tmp_path / "scan.seg.nrrd")
    assert node.GetStorageNode() is storage
    assert names_in(tmp_path) == ["scan.seg.nrrd"]

    again = slicer.util.loadSegmentation(str(path))
    before, after = node.GetSegmentation(), again.GetSegmentation()
    assert after.GetSegmentIDs() == before.GetSegmentIDs()
    for segment_id in before.GetSegmentIDs():
        old, new = before.GetSegment(segment_id), after.GetSegment(segment_id)
        assert new.GetName() == old.GetName()
        np.testing.assert_allclose(new.GetColor(), old.GetColor(), atol=1e-6)
        assert tag(new, "ToothSeg.FDI") == tag(old, "ToothSeg.FDI") != ""
    again_map = exporter.export_labelmap(again, volume)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(again_map), labels.array)


def test_the_library_reads_the_number_that_the_panel_gave(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume
) -> None:
    import slicer

    from ToothSegLib.segment_labels import read_labels
    from ToothSegLib.volume_io import read_volume
    from ToothSegScene.editing import Corrections

    node, _volume = put(labels)
    Corrections(node).swap(11, 47)
    segmentation = node.GetSegmentation()
    in_scene = {
        name: segmentation.GetSegment(name).GetLabelValue() for name in segmentation.GetSegmentIDs()
    }
    path = exporter.export_segmentation(node, tmp_path / "scan.seg.nrrd")
    for name, value in in_scene.items():
        assert segmentation.GetSegment(name).GetLabelValue() == value
    # Slicer's own way to save keeps the values, so that the header alone tells the numbers.
    saved = tmp_path / "saved.seg.nrrd"
    assert slicer.util.saveNode(node, str(saved))
    assert 47 not in read_volume(saved).array
    np.testing.assert_array_equal(read_labels(path).array, read_volume(path).array)
    np.testing.assert_array_equal(read_labels(path).array, read_labels(saved).array)
    found = read_labels(saved)
    for before, after in ((11, 47), (47, 11), (13, 13)):
        size, centre = tooth_of_labels(found, after)
        assert size == pytest.approx(tooth_of_labels(labels, before)[0])
        np.testing.assert_allclose(centre, tooth_of_labels(labels, before)[1], atol=1e-3)


def test_what_was_drawn_goes_into_the_same_layer(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume
) -> None:
    import slicer

    from ToothSegLib.volume_io import read_volume

    node, volume = put(labels)
    drawn = np.zeros((2, *labels.shape), np.uint8)
    drawn[0, :2, :2, :2] = drawn[1, :2, :2, 3:6] = 1
    assert not labels.array[drawn.any(axis=0)].any()
    for name, room in zip(("18", "Wisdom"), drawn):
        segment_id = node.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(room, node, segment_id, volume)
    layers = node.GetSegmentation().GetNumberOfLayers()
    array = read_volume(exporter.export_segmentation(node, tmp_path / "a.seg.nrrd")).array
    for value in TEETH:
        assert (array == value).sum() == (labels.array == value).sum()
    assert (array == 18).sum() == drawn[0].sum()
    assert (array == 49).sum() == drawn[1].sum()
    # In the scene all is as it was.
    assert node.GetSegmentation().GetNumberOfLayers() == layers > 1


def tag(segment: Any, name: str) -> str:
    import vtk

    value = vtk.reference("")
    segment.GetTag(name, value)
    return str(value)


def test_segmentation_file_is_replaced_only_if_asked_for(
    exporter: Any, teeth_node: Any, tmp_path: Path
) -> None:
    path = tmp_path / "scan.seg.nrrd"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"scan\.seg\.nrrd exists"):
        exporter.export_segmentation(teeth_node, path)
    assert path.read_text() == "mine"
    exporter.export_segmentation(teeth_node, path, overwrite=True)
    assert path.read_bytes().startswith(b"NRRD")


@pytest.mark.parametrize("name", ["scan.nrrd", ".seg.nrrd", "scan"])
def test_segmentation_file_needs_its_ending(
    exporter: Any, teeth_node: Any, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match=r"end it in \.seg\.nrrd"):
        exporter.export_segmentation(teeth_node, tmp_path / name)
