"""Findings that the reader has settled where no tooth's review can; kept with the node."""

from __future__ import annotations

import hashlib
from typing import Any

from ToothSegLib.report import Finding
from ToothSegScene.segments import REPORT

MARKS = "ToothSeg.FindingsReviewed"
"""Attribute of a segmentation node: what tells the findings, separated by spaces."""


def is_marked(segmentation_node: Any, finding: Finding) -> bool:
    """Whether the reader has marked a finding of the node's report as reviewed."""
    return _key(segmentation_node, finding) in _marks(segmentation_node)


def mark(segmentation_node: Any, finding: Finding, reviewed: bool) -> None:
    """Mark a finding of the node's report as reviewed, or take that back."""
    key = _key(segmentation_node, finding)
    marks = _marks(segmentation_node) - {key} | ({key} if reviewed else set())
    segmentation_node.SetAttribute(MARKS, " ".join(sorted(marks)) or None)


def _marks(segmentation_node: Any) -> set[str]:
    return set((segmentation_node.GetAttribute(MARKS) or "").split())


def _key(segmentation_node: Any, finding: Finding) -> str:
    # With the report, for the next run in the same node may tell the same of something else.
    report = segmentation_node.GetAttribute(REPORT)
    said = f"{report} {finding.code} {finding.fdi} {finding.message}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]
