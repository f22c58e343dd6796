"""Three teeth to export, and readers of what was exported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from phantom_fixture import segmentation
from ToothSegLib.surfaces import Surface
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


def put(scene: Any, labels: Volume) -> tuple[Any, Any]:
    """Put labels into the scene; the segmentation node and its volume node."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    volume = slicer.util.addVolumeFromArray(
        np.zeros(labels.shape, np.int16),
        ijkToRAS=slicer.util.vtkMatrixFromArray(RAS_FROM_LPS @ labels.index_to_lps),
    )
    return write_segmentation(scene, volume, segmentation(labels)), volume


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


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def everything_in(scene: Any) -> set[str]:
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}
