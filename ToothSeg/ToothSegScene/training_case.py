"""A result as a case of a data set has it, and a case of a data set as nodes.

Nothing leaves the scene but voxels, their place, FDI numbers and review states. DICOM tags stay
with their nodes, and so do the names of nodes: those are only looked at, for where a name stands
there, the notes may hold it too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import slicer
import slicer.util

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.record import NOT_THERE, Prediction, Revision, Source
from ToothSegLib.dataset.voxels import storable
from ToothSegLib.dataset.voxels import teeth_of as teeth_in
from ToothSegLib.errors import InputError
from ToothSegLib.report import Segmentation, from_json, measure_teeth
from ToothSegLib.volume import Volume
from ToothSegScene.fingerprints import fingerprints_of
from ToothSegScene.hand_drawn import number_by_name, remarks_in_words
from ToothSegScene.layer_values import LABELMAP
from ToothSegScene.nodes import nodes_of_class
from ToothSegScene.overlaps import check_apart
from ToothSegScene.own_scan import doubts_in_words, off_in_words, scan_is_lost
from ToothSegScene.review import progress, restore_review, review_of
from ToothSegScene.run_place import to_run_of
from ToothSegScene.scan_checksums import checksum_of
from ToothSegScene.segments import (
    CASE,
    REGION,
    REPORT,
    VOLUME,
    read_labels,
    teeth_of,
    write_segmentation,
)
from ToothSegScene.transforms import is_turned
from ToothSegScene.volumes import as_shown, volume_from_node

PATIENT = "ToothSeg.Patient"
"""Attribute of a volume node: the pseudonym that all scans of one patient share."""

ONLY_A_PART = (
    "Only a part of the scan was segmented: paint the teeth that reach out of it or lie outside, "
    "or they will be learned as background."
)

_BETWEEN_MARKS = "; "
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class TrainingCase:
    """What a data set takes of a result.

    Args:
        labels: FDI numbers on the scan's grid.
        review: state by FDI number, in the words of the data set.
        prediction: the bundle that made the first labels, if the report names one.
    """

    labels: Volume
    review: dict[int, str]
    prediction: Prediction | None


def volume_of(segmentation_node: Any) -> Any:
    """The volume node that a result was made of.

    Raises:
        InputError: it is not in the scene, or no volume is known to be it.
    """
    node = segmentation_node.GetNodeReference(VOLUME)
    if node is None and not scan_is_lost(segmentation_node):
        raise InputError(
            f"no run has made {segmentation_node.GetName()!r} of a scan, and it is not on the "
            "voxels of the volume that is chosen: load the scan that it belongs to and choose it"
        )
    if node is None:
        raise InputError(
            f"the scan of {segmentation_node.GetName()!r} is not in the scene: a case for training "
            "needs both"
        )
    return node


def image_of(segmentation_node: Any) -> Volume:
    """The scan of a result, in its own space. Raises InputError if it cannot be used."""
    return storable(volume_from_node(volume_of(segmentation_node))[0])


def check_new_case(segmentation_node: Any) -> None:
    """Raise InputError if the scan of a result does not lie in a data set as the views show it.

    There are no transforms in a data set, and whoever learns from it takes up for up.
    """
    node = volume_of(segmentation_node)
    if is_turned(node):
        raise InputError(
            f"the transform above the volume {node.GetName()!r} turns it by more than 45 degrees: "
            "harden the transform on the volume and on the result, a case for training has none"
        )


def training_case(segmentation_node: Any) -> TrainingCase:
    """Read a result from the scene; segments that are teeth by their names get their numbers.

    Raises:
        InputError: there are no teeth, or they overlap, or the scan is not there, or elsewhere
            than they are.
    """
    number_by_name(segmentation_node)
    if not teeth_of(segmentation_node):
        raise InputError(
            f"{segmentation_node.GetName()!r} holds no teeth: there is nothing to save"
        )
    volume_node = volume_of(segmentation_node)
    off = off_in_words(segmentation_node)
    if off:  # every label would get to another voxel
        raise InputError(off.rstrip("."))
    labels = read_labels(segmentation_node, volume_node)
    check_apart(segmentation_node, volume_node)
    # A tooth of a finer grid may have no voxel in the label map, and so no review.
    there = set(teeth_in(labels.array))
    review = {
        fdi: word
        for fdi, word in review_of(segmentation_node).items()
        if (fdi in there) != (word in NOT_THERE)
    }
    report = _report_of(segmentation_node)
    prediction = None if report is None else Prediction.from_provenance(report.provenance)
    return TrainingCase(labels, review, prediction)


def names_in_scene(segmentation_node: Any) -> dict[str, str]:
    """Names that may tell who the patient is although no data set holds them, by what they are."""
    names = {"the result's name": segmentation_node.GetName()}
    volume = segmentation_node.GetNodeReference(VOLUME)
    if volume is not None:
        names["the volume's name"] = volume.GetName()
    segmentation = segmentation_node.GetSegmentation()
    for place in range(segmentation.GetNumberOfSegments()):
        name = segmentation.GetNthSegment(place).GetName()
        names[f"the segment's name {name!r:.60}"] = name
    return names


def cautions_in_words(segmentation_node: Any) -> str:
    """What else goes into a case than is seen, to be said with every save; "" for nothing.

    Segments that are left out, names that do not count, a run that saw a part of the scan, and a
    scan that is another one by now.
    """
    report = _report_of(segmentation_node)
    region = report is not None and REGION in report.provenance
    words = (
        remarks_in_words(segmentation_node),
        region * ONLY_A_PART,
        doubts_in_words(segmentation_node),
    )
    return " ".join(filter(None, words))


def content_of(segmentation_node: Any) -> tuple[Any, ...]:
    """What a save takes of a result, to be compared: the same again as long as nothing changes.

    In whatever layers the teeth lie: Slicer puts them into fewer when it saves the scene. An image
    is looked at again only when it has been touched.
    """
    segmentation = segmentation_node.GetSegmentation()
    teeth = []
    for fdi, segment_id in teeth_of(segmentation_node).items():
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        teeth.append((fdi, fingerprints_of(image).get(segment.GetLabelValue())))
    return tuple(teeth), tuple(review_of(segmentation_node).items())


def is_reviewed(segmentation_node: Any) -> bool:
    """Whether it holds teeth, and somebody has reviewed each of them."""
    reviewed, there = progress(segmentation_node)
    return 0 < there == reviewed


def results_in(scene: slicer.vtkMRMLScene) -> list[Any]:
    """The segmentation nodes that hold teeth of a scan, be it lost, in the scene's order."""
    every = nodes_of_class(scene, "vtkMRMLSegmentationNode")
    of_scans = [node for node in every if node.GetNodeReference(VOLUME) or scan_is_lost(node)]
    return [node for node in of_scans if teeth_of(node)]


def place_case(
    scene: slicer.vtkMRMLScene, case: DatasetCase, beside: Any = None
) -> tuple[Any, Any]:
    """Put a case into the scene, to go on with its review.

    A scan that is there already, voxel for voxel, is used; else the case's own is put there.

    Args:
        scene: where the nodes go.
        case: of a data set.
        beside: a result of the same scan whose findings and confidences are taken over, or None.

    Returns:
        The volume node and the segmentation node; None for the second where the case has no labels.

    Raises:
        InputError: the case is damaged.
    """
    volume_node = same_scan(scene, case.record.source)
    labels = case.labels() if case.revision else None
    if volume_node is None:
        volume_node = add_scan(case.image(), case.id)
    put_patient(volume_node, case)
    if labels is None:
        return volume_node, None
    report, to_run = None if beside is None else _report_of(beside), None
    known = {tooth.fdi: tooth.confidence for tooth in report.teeth} if report else {}
    result = Segmentation(labels, measure_teeth(labels, known))
    if report:
        result = replace(result, findings=report.findings)
        # What they tell of places is meant where that run saw the scan.
        to_run = to_run_of(beside, labels)
        if to_run is not None:
            result = replace(result, labels=as_shown(labels, to_run))
    result = replace(result, provenance=_provenance(report, case.record.prediction))
    node = write_segmentation(scene, volume_node, result, to_run=to_run)
    restore_review(node, case.record.review)
    in_step(node, case)
    return volume_node, node


def _provenance(report: Segmentation | None, recorded: Prediction | None) -> dict[str, Any]:
    """Of a case's labels: as the report beside them tells it, else as the case does.

    If these come from a part of the scan, that stays so beside a result of the whole.
    """
    own = recorded.provenance if recorded else {}
    if report is None:
        return own
    return {**report.provenance, **{name: own[name] for name in (REGION,) if name in own}}


def put_patient(volume_node: Any, case: DatasetCase) -> None:
    """Give a volume the pseudonym that its case has; one without any leaves the volume's."""
    if case.record.patient:
        volume_node.SetAttribute(PATIENT, case.record.patient)


def in_step(segmentation_node: Any, case: DatasetCase) -> None:
    """Remember with the node that it holds what the case's newest revision holds.

    The marks of other data sets stay: the same result may go into several.
    """
    older = {_mark(case, revision) for revision in case.history()}
    others = [mark for mark in _marks(segmentation_node) if mark not in older]
    marks = [*others, _mark(case, case.history()[-1])]
    segmentation_node.SetAttribute(CASE, _BETWEEN_MARKS.join(marks))


def revisions_of(segmentation_node: Any) -> list[tuple[str, int]]:
    """Case and number of the revisions that a node was in step with last, one a data set."""
    marks = [mark.split() for mark in _marks(segmentation_node)]
    return [(mark[0], int(mark[1])) for mark in marks if len(mark) == 3 and mark[1].isdecimal()]


def is_in_step(segmentation_node: Any, case: DatasetCase) -> bool:
    """Whether a node comes from a case's newest revision, in this data set or a copy of it."""
    return _mark(case, case.history()[-1]) in _marks(segmentation_node)


def _marks(segmentation_node: Any) -> list[str]:
    text = segmentation_node.GetAttribute(CASE)
    return str(text).split(_BETWEEN_MARKS) if text else []


def _mark(case: DatasetCase, revision: Revision) -> str:
    """A revision in a word; the same number of the same scan in another data set has another."""
    text = json.dumps(asdict(revision), sort_keys=True)
    return f"{case.id} {revision.number} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def add_scan(image: Volume, name: str) -> Any:
    """A new volume node of a scan, in `slicer.mrmlScene`."""
    matrix = slicer.util.vtkMatrixFromArray(_RAS_FROM_LPS @ image.index_to_lps)
    return slicer.util.addVolumeFromArray(image.array, ijkToRAS=matrix, name=name)


def same_scan(scene: slicer.vtkMRMLScene, source: Source) -> Any:
    """A volume node with a scan's voxels in its place; None if there is none."""
    for node in nodes_of_class(scene, "vtkMRMLScalarVolumeNode"):
        try:
            image = storable(volume_from_node(node)[0])
        except InputError:
            continue
        # The checksum takes a while with a large scan, and most are told apart by their size.
        if (
            image.shape == source.shape
            and image.same_grid(source.placed(image.array))
            and checksum_of(node) == source.voxels_sha256
        ):
            return node
    return None


def _report_of(segmentation_node: Any) -> Segmentation | None:
    """The report of the run, if there is one that can be read."""
    try:
        text = segmentation_node.GetAttribute(REPORT) or ""
        return from_json(text, Volume(np.zeros((1, 1, 1), np.uint8)))
    except InputError:
        return None
