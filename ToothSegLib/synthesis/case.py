"""A case: one tissue map with one label map on one grid, in memory and on disk."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import UNSOUND_JSON, InputError

FORMAT = 1
_DETAIL = ("outside", "inside", "owner", "surface")
_PROSTHESIS = "prosthesis"
PROSTHESIS_LABEL = 99
"""Of implants, crowns on them and pontics, in labels to learn from; no tooth has this number."""


@dataclass(frozen=True)
class Detail:
    """What lies about the teeth's surfaces, on a case's grid; made by `detail.make_detail`.

    Attributes:
        outside: (k, j, i) uint8 tissue codes without teeth, and without the gaps about roots.
        inside: (k, j, i) uint8 tissue codes of the nearest tooth; 0 away from teeth.
        owner: (k, j, i) uint8 FDI number of the nearest tooth; 0 away from teeth.
        surface: (k, j, i) int8 distance to its surface in steps of `detail.STEP_MM`, negative
            inside.
    """

    outside: np.ndarray
    inside: np.ndarray
    owner: np.ndarray
    surface: np.ndarray


@dataclass(frozen=True)
class Case:
    """Maps of one simulated head in upright posture (identity direction, LPS).

    Attributes:
        tissue: (k, j, i) uint8, codes of `synthesis.tissues`.
        labels: (k, j, i) uint8, FDI numbers, third molars included.
        spacing_mm: isotropic.
        origin: LPS mm of voxel (0, 0, 0).
        centres: LPS mm of each whole tooth's centre of mass.
        about: how it was made.
        detail: where the teeth's surfaces lie between the voxels, if that is known.
        prosthesis: (k, j, i) bool, implants with their crowns and pontics, if that is known.
    """

    tissue: np.ndarray
    labels: np.ndarray
    spacing_mm: float
    origin: tuple[float, float, float]
    centres: dict[int, tuple[float, float, float]]
    about: dict[str, object] = field(default_factory=dict)
    detail: Detail | None = None
    prosthesis: np.ndarray | None = None

    def marked(self) -> np.ndarray:
        """(k, j, i) uint8, the labels with `PROSTHESIS_LABEL` where prostheses are, if known."""
        if self.prosthesis is None:
            return self.labels
        return np.where(
            self.prosthesis & (self.labels == 0), np.uint8(PROSTHESIS_LABEL), self.labels
        )


def save_case(path: Path, case: Case) -> None:
    """Write one case as a compressed ``.npz``, whole or not at all."""
    about = {
        "format": FORMAT,
        "spacing_mm": case.spacing_mm,
        "origin": case.origin,
        "centres": {str(fdi): centre for fdi, centre in case.centres.items()},
        "about": case.about,
    }
    known: dict[str, Any] = {} if case.detail is None else dict(vars(case.detail))
    if case.prosthesis is not None:
        known[_PROSTHESIS] = case.prosthesis
    with replacing(path) as stream:
        np.savez_compressed(
            stream,
            tissue=case.tissue,
            labels=case.labels,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            **known,
        )


def load_case(path: Path) -> Case:
    """Read a case written by `save_case`.

    Raises:
        InputError: the file is missing, not a case, or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            tissue, labels = archive["tissue"], archive["labels"]
            about = dict(json.loads(archive["about"].tobytes()))
            detail = Detail(*(archive[name] for name in _DETAIL)) if _DETAIL[0] in archive else None
            prosthesis = archive.get(_PROSTHESIS)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, *UNSOUND_JSON) as error:
        raise InputError(
            f"{path} is not a simulated case ({error}); make cases with 'toothseg simulate'"
        ) from error
    maps = [labels, *(vars(detail).values() if detail else ())]
    maps += [] if prosthesis is None else [prosthesis]
    if about.get("format") != FORMAT or any(map_.shape != tissue.shape for map_ in maps):
        raise InputError(
            f"{path} is a case of another format; make it anew with 'toothseg simulate'"
        )
    origin = tuple(about["origin"])
    centres = {int(fdi): tuple(centre) for fdi, centre in about["centres"].items()}
    spacing_mm, about = about["spacing_mm"], about["about"]
    return Case(tissue, labels, spacing_mm, origin, centres, about, detail, prosthesis)
