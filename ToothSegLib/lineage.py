"""What a bundle has learned from and was judged by, as its card tells, back to the first ancestor.

    {"parent": null | {"name", "networks": {role: sha256}, "lineage": ...},
     "data": {"learned": [{"case", "revision", "scan", "values", "labels"}],
              "held_out": [...], "of_learned_patients": [{"scan", "values"}]}, ...}

`scan` is the checksum of a scan's voxels, which is the same in every data set. `values`, which
older versions have not written, is the same also where they have another type or another order.
Scans `of_learned_patients` were in the data set and not learned from yet. `labels` is the checksum
of their file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ToothSegLib.models import Bundle


def as_parent(bundle: Bundle) -> dict[str, Any]:
    """The entry by which a bundle's children name it, its own lineage included."""
    return {
        "name": bundle.name,
        "networks": bundle.weights,
        "lineage": bundle.card.get("lineage"),
    }


def learned_scans(lineage: object) -> set[str]:
    """Checksums, of both kinds, of the scans that a bundle or an ancestor has learned from, and of
    others of the same patients."""
    return _scans(lineage, "learned") | _scans(lineage, "of_learned_patients")


def held_out_scans(lineage: object) -> set[str]:
    """Checksums, of both kinds, of the scans by which a bundle or an ancestor was judged."""
    return _scans(lineage, "held_out")


def _scans(lineage: object, side: str) -> set[str]:
    found: set[str] = set()
    while isinstance(lineage, Mapping):
        data = lineage.get("data")
        entries = data.get(side) if isinstance(data, Mapping) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, Mapping):
                sums = (entry.get("scan"), entry.get("values"))
                found.update(each for each in sums if isinstance(each, str))
        parent = lineage.get("parent")
        lineage = parent.get("lineage") if isinstance(parent, Mapping) else None
    return found
