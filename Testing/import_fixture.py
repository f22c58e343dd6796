"""A data set of another program, for the tests that take it in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dataset_fixture import labels_of, scan
from ToothSegLib.dataset.folder import CaseMeta
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.progress import Progress

META = CaseMeta(who="cd")
OPTIONS = {"keep_names": False, "reviewed": False, "run": Progress()}
"""Of an import."""
GOOD = {"background": 0, "jaw": 1, "tooth_36": 19}
"""Names of labels, of which one is a tooth's."""


def foreign(
    folder: Path, names: dict[str, object], values: tuple[int, int], **more: object
) -> Path:
    """An nnU-Net data set as others make it: NIfTI, other numbers; a tooth and something else."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    image = scan(direction=np.diag([-1.0, -1.0, 1.0]))
    labels = labels_of(image, *values)
    sitk.WriteImage(to_itk(image), str(folder / "imagesTr" / "P_001_0000.nii.gz"))
    sitk.WriteImage(to_itk(labels), str(folder / "labelsTr" / "P_001.nii.gz"))
    content = {"channel_names": {"0": "CBCT"}, "labels": names, "file_ending": ".nii.gz", **more}
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
