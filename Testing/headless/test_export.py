"""Every export, read back: surfaces, nodes and files, and what may go wrong with them."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phantom_fixture import segmentation
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.surfaces import Surface, is_manifold, stl_name
from ToothSegLib.teeth import by_fdi
from ToothSegLib.volume import Volume

TEETH = (11, 13, 47)
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
OBLIQUE, _ = np.linalg.qr(np.array([[1.0, 0.3, -0.2], [-0.25, 1.0, 0.4], [0.1, -0.35, 1.0]]))


def three_teeth() -> Volume:
    """11, 13 and 47 as ellipsoids, and a lone voxel of 13, which smoothing shrinks to a point."""
    array = np.zeros((24, 18, 50), np.uint8)
    k, j, i = np.indices(array.shape)
    for fdi, middle in zip(TEETH, (9, 25, 41)):
        distance = ((i - middle) / 6) ** 2 + ((j - 9) / 6) ** 2 + ((k - 12) / 9) ** 2
        array[distance <= 1] = fdi
    array[2, 2, 2] = 13
    return Volume(array, (0.5, 0.5, 0.5), (-12.0, 20.0, -30.0))


@pytest.fixture(scope="module")
def labels() -> Volume:
    return three_teeth()


@pytest.fixture
def exporter(slicer_app: Any) -> Any:
    from ToothSegScene import export

    return export


@pytest.fixture
def put(scene: Any) -> Any:
    """Puts labels into the scene; gives the segmentation node and its volume node."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    def put(labels: Volume) -> tuple[Any, Any]:
        volume = slicer.util.addVolumeFromArray(
            np.zeros(labels.shape, np.int16),
            ijkToRAS=slicer.util.vtkMatrixFromArray(RAS_FROM_LPS @ labels.index_to_lps),
        )
        return write_segmentation(scene, volume, segmentation(labels)), volume

    return put


@pytest.fixture
def teeth_node(put: Any, labels: Volume) -> Any:
    return put(labels)[0]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Files cannot grow beyond a size in bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_stl(path: Path) -> Surface:
    """A binary STL file with the vertices that lie in one place made one."""
    data = path.read_bytes()
    assert b"SPACE=LPS" in data[:80]
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
    corners = np.frombuffer(data, record, offset=84)["corners"].reshape(-1, 3)
    return merged(corners, np.arange(len(corners)).reshape(-1, 3))


def read_obj(path: Path) -> Surface:
    """All groups of an OBJ file."""
    lines = [line.split() for line in path.read_text().splitlines() if line]
    points = np.array([line[1:] for line in lines if line[0] == "v"], np.float32)
    faces = [
        [int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line[0] == "f"
    ]
    return merged(points, np.array(faces))


def merged(points: np.ndarray, triangles: np.ndarray) -> Surface:
    unique, inverse = np.unique(points, axis=0, return_inverse=True)
    return Surface(unique, inverse.reshape(-1)[triangles])


def tooth_of_labels(labels: Volume, fdi: int) -> tuple[float, np.ndarray]:
    """Volume in mm^3 and centroid in LPS mm of a tooth in the label map."""
    where = np.argwhere(labels.array == fdi)[:, ::-1]
    centre = labels.index_to_lps @ np.append(where.mean(axis=0), 1.0)
    return len(where) * float(np.prod(labels.spacing)), centre[:3]


def centre_of(surface: Surface) -> np.ndarray:
    return (surface.points.min(axis=0) + surface.points.max(axis=0)) / 2


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def everything_in(scene: Any) -> set[str]:
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


@pytest.mark.parametrize(
    "direction",
    [np.eye(3), np.diag([-1.0, 1.0, -1.0]), np.diag([1.0, -1.0, 1.0]), OBLIQUE],
    ids=["upright", "turned", "left-handed", "oblique"],
)
def test_surfaces_are_closed_and_where_the_labels_are(
    exporter: Any, put: Any, tmp_path: Path, labels: Volume, direction: np.ndarray
) -> None:
    turned = replace(labels, direction=direction, spacing=(0.4, 0.5, 0.6), origin=(7.0, -50.0, 9.0))
    node, _ = put(turned)
    paths = exporter.export_surfaces(node, tmp_path)
    assert [path.name for path in paths] == [stl_name(fdi) for fdi in TEETH] == names_in(tmp_path)
    for path, fdi in zip(paths, TEETH):
        surface = read_stl(path)
        volume, centre = tooth_of_labels(turned, fdi)
        assert is_manifold(surface)
        assert 0.9 * volume < surface.volume_mm3 < 1.02 * volume
        np.testing.assert_allclose(centre_of(surface), centre, atol=0.3)


def test_every_surface_of_the_sample_is_closed(
    exporter: Any, scene: Any, sample_volume_node: Any, sample_labels: Volume, tmp_path: Path
) -> None:
    from ToothSegScene.segments import write_segmentation

    node = write_segmentation(scene, sample_volume_node, segmentation(sample_labels))
    paths = exporter.export_surfaces(node, tmp_path)
    assert len(paths) == len(np.unique(sample_labels.array)) - 1 == 28
    for path in paths:
        surface = read_stl(path)
        volume, _ = tooth_of_labels(sample_labels, int(path.name[:2]))
        assert is_manifold(surface), path.name
        assert surface.volume_mm3 == pytest.approx(volume, rel=0.05), path.name


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


def test_obj_has_the_colours_of_the_teeth(exporter: Any, teeth_node: Any, tmp_path: Path) -> None:
    exporter.export_surfaces(teeth_node, tmp_path, format="OBJ")
    stem = stl_name(13)[:-4]
    assert f"mtllib {stem}.mtl" in (tmp_path / f"{stem}.obj").read_text()
    lines = (tmp_path / f"{stem}.mtl").read_text().splitlines()
    diffuse = next(line.split()[1:] for line in lines if line.startswith("Kd"))
    colour = np.array(by_fdi(13).colour, float)
    # The exporter makes colours darker, all channels alike.
    np.testing.assert_allclose(
        np.array(diffuse, float) / max(map(float, diffuse)), colour / colour.max(), atol=1e-6
    )


def test_smoothing_makes_surfaces_rounder(exporter: Any, teeth_node: Any, tmp_path: Path) -> None:
    areas = []
    for smoothing in (0.0, 0.5):
        folder = tmp_path / str(smoothing)
        folder.mkdir()
        surface = read_stl(exporter.export_surfaces(teeth_node, folder, smoothing=smoothing)[0])
        corners = surface.points[surface.triangles]
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas.append(np.linalg.norm(sides, axis=1).sum() / 2)
        assert is_manifold(surface)
    assert areas[1] < 0.97 * areas[0]


def test_surfaces_under_a_transform_are_in_world_coordinates(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path, labels: Volume
) -> None:
    import slicer

    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = OBLIQUE, (10.0, -20.0, 30.0)
    if np.linalg.det(OBLIQUE) < 0:
        to_world[:3, 2] *= -1
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(to_world))
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())
    for path, fdi in zip(exporter.export_surfaces(teeth_node, tmp_path), TEETH):
        surface = read_stl(path)
        centre = np.append(tooth_of_labels(labels, fdi)[1], 1.0)
        expected = (RAS_FROM_LPS @ to_world @ RAS_FROM_LPS @ centre)[:3]
        # 13 has a lone voxel, which moves the mean of its labels, but not its surface.
        assert is_manifold(surface)
        np.testing.assert_allclose(centre_of(surface), expected, atol=0.5)
    assert teeth_node.GetParentTransformNode() is parent


def test_a_transform_that_mirrors_is_refused(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path
) -> None:
    import slicer

    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Mirror")
    mirror = slicer.util.vtkMatrixFromArray(np.diag([-1.0, 1.0, 1.0, 1.0]))
    parent.SetMatrixTransformToParent(mirror)
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(InputError, match="Mirror mirrors the teeth"):
        exporter.export_surfaces(teeth_node, tmp_path)


def test_exporting_surfaces_changes_nothing_in_the_scene(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path
) -> None:
    before = everything_in(scene)
    name, segmentation = teeth_node.GetName(), teeth_node.GetSegmentation()
    smoothing = segmentation.GetConversionParameter("Smoothing factor")
    voxels = layer_of(teeth_node).copy()
    exporter.export_surfaces(teeth_node, tmp_path, smoothing=0.9)
    assert everything_in(scene) == before
    assert teeth_node.GetName() == name
    assert segmentation.GetConversionParameter("Smoothing factor") == smoothing
    assert not segmentation.ContainsRepresentation("Closed surface")
    np.testing.assert_array_equal(layer_of(teeth_node), voxels)
    assert voxels.any()


def layer_of(node: Any) -> np.ndarray:
    """The voxels that the segments share."""
    from vtk.util.numpy_support import vtk_to_numpy

    layer = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    return vtk_to_numpy(layer.GetPointData().GetScalars())


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

        def refuse(*args: Any, **options: Any) -> str:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(OutputError, match="cannot write to .*closed: Permission denied"):
        exporter.export_surfaces(teeth_node, closed)
    assert names_in(tmp_path) == ["closed", "file"]


@pytest.mark.parametrize("format", ["STL", "OBJ"])
def test_a_full_disk_leaves_nothing(
    exporter: Any, teeth_node: Any, tmp_path: Path, format: str
) -> None:
    kept = tmp_path / f"{stl_name(11)[:-4]}.{format.lower()}"
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


def test_a_cancelled_export_leaves_nothing(exporter: Any, teeth_node: Any, tmp_path: Path) -> None:
    stages: list[tuple[float, str]] = []
    with pytest.raises(Cancelled):
        exporter.export_surfaces(
            teeth_node,
            tmp_path,
            progress=lambda fraction, stage: stages.append((fraction, stage)),
            cancelled=lambda: len(stages) == 3,
        )
    assert stages[-1][1] == "writing surfaces"
    assert names_in(tmp_path) == []


def test_models_lie_in_folders_by_category(
    exporter: Any, scene: Any, teeth_node: Any, labels: Volume
) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, teeth_node)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    teeth_node.SetAndObserveTransformNodeID(parent.GetID())

    folder = exporter.export_models(teeth_node)
    assert hierarchy.GetItemParent(folder) == study
    found = {
        hierarchy.GetItemName(category): [
            hierarchy.GetItemDataNode(item) for item in children(hierarchy, category)
        ]
        for category in children(hierarchy, folder)
    }
    assert {name: [model.GetName() for model in models] for name, models in found.items()} == {
        "upper incisors": ["11 upper right central incisor"],
        "upper canines": ["13 upper right canine"],
        "lower molars": ["47 lower right second molar"],
    }
    model = found["upper incisors"][0]
    assert model.GetParentTransformNode() is parent
    np.testing.assert_allclose(
        model.GetDisplayNode().GetColor(), np.array(by_fdi(11).colour) / 255, atol=1e-6
    )
    points = slicer.util.arrayFromModelPoints(model) * (-1, -1, 1)
    _, centre = tooth_of_labels(labels, 11)
    np.testing.assert_allclose((points.min(0) + points.max(0)) / 2, centre, atol=0.3)
    assert not teeth_node.GetSegmentation().ContainsRepresentation("Closed surface")


def children(hierarchy: Any, item: int) -> list[int]:
    import vtk

    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, False)
    return [ids.GetId(n) for n in range(ids.GetNumberOfIds())]


def test_failed_models_leave_nothing(
    exporter: Any, scene: Any, teeth_node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before, items = everything_in(scene), children(hierarchy, hierarchy.GetSceneItemID())
    fill, filled = exporter._fill_model, []

    def fill_one(model: Any, segment: Any) -> None:
        if filled:
            raise OutputError("no more")
        filled.append(fill(model, segment))

    monkeypatch.setattr(exporter, "_fill_model", fill_one)
    with pytest.raises(OutputError, match="no more"):
        exporter.export_models(teeth_node)
    assert filled
    assert everything_in(scene) == before
    assert children(hierarchy, hierarchy.GetSceneItemID()) == items


def test_label_map_holds_fdi_numbers_on_the_volumes_grid(
    exporter: Any, scene: Any, put: Any, labels: Volume
) -> None:
    import slicer

    turned = replace(labels, direction=OBLIQUE, spacing=(0.4, 0.5, 0.6), origin=(7.0, -50.0, 9.0))
    node, volume = put(turned)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    for each in (node, volume):
        each.SetAndObserveTransformNodeID(parent.GetID())
    labelmap = exporter.export_labelmap(node, volume)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(labelmap), turned.array)
    assert labelmap.GetParentTransformNode() is parent
    grids = [slicer.util.arrayFromVTKMatrix(matrix_of(each)) for each in (labelmap, volume)]
    np.testing.assert_allclose(*grids, atol=1e-12)

    colours = labelmap.GetDisplayNode().GetColorNode()
    for fdi in (11, 13, 28, 29, 37, 47):
        colour = [0.0] * 4
        colours.GetColor(fdi, colour)
        if fdi == 29:
            assert colour[3] == 0
            assert not colours.GetColorDefined(fdi)
            continue
        tooth = by_fdi(fdi)
        assert colours.GetColorName(fdi) == f"{fdi} {tooth.name}"
        np.testing.assert_allclose(colour, [*(c / 255 for c in tooth.colour), 1], atol=1e-6)


def matrix_of(volume: Any) -> Any:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_label_map_of_a_volume_that_is_gone(exporter: Any, scene: Any, teeth_node: Any) -> None:
    before = everything_in(scene)
    with pytest.raises(InputError, match="no volume"):
        exporter.export_labelmap(teeth_node, None)
    assert everything_in(scene) == before


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
