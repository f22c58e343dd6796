"""A small data set: an oblique scan with a handful of teeth, no two alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.report import Segmentation, to_json
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume
from volume_fixture import OBLIQUE

SHAPE = (6, 7, 8)
TEETH = (11, 18, 36)


def scan(seed: int = 7, dtype: type = np.int16, direction: np.ndarray = OBLIQUE) -> Volume:
    """Random grey values, other ones for every seed."""
    values = np.random.default_rng(seed).integers(0, 120, SHAPE).astype(dtype)
    return Volume(values, (0.3, 0.4, 0.5), (-11.1, 22.2, 33.3), direction)


def labels_of(image: Volume, *teeth: int) -> Volume:
    """A tooth a layer, each of another size."""
    array = np.zeros(image.shape, np.uint8)
    for layer, fdi in enumerate(teeth or TEETH):
        array[layer, : layer + 2, 1:5] = fdi
    return image.with_array(array)


def moved(volume: Volume) -> Volume:
    """The same voxels in another place."""
    return Volume(volume.array, volume.spacing, (0.0, 0.0, 0.0), volume.direction)


def add_case(dataset: Dataset, seed: int = 7, **meta: object) -> DatasetCase:
    """A case with three teeth, added by "ab"."""
    image = scan(seed)
    return dataset.add(image, labels_of(image), CaseMeta(who="ab", **meta))


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tree(folder: Path) -> list[str]:
    """Every file and folder below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def written_files(folder: Path) -> dict[str, str]:
    """Paths of a scan, its labels, the report of the run that made them; and where the set goes."""
    image = scan()
    write_volume(folder / "scan.nrrd", image)
    write_volume(folder / "labels.nrrd", labels_of(image))
    provenance = {"bundle": "toothnet", "weights": {"toothnet": "ab" * 32}}
    report = to_json(Segmentation(labels_of(image), provenance=provenance))
    (folder / "report.json").write_text(report, encoding="utf-8")
    names = ("scan.nrrd", "labels.nrrd", "report.json", "set")
    return {name.split(".")[0]: str(folder / name) for name in names}
