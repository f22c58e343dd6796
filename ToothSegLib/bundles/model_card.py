"""The card of a bundle: what its weights are, in JSON, read with suspicion.

A bundle is a folder with a `card.json` and one safetensors file for each role (such as `stage1`).
The card holds::

    {"format": 1, "name": ..., "title": ..., "kind": "toothnet" | "published-cascade",
     "networks": {role: {"file": ..., "sha256": ..., "parameters": ...,
                         "architecture": {"class": "UNet" | "ToothNet", ...}}},
     "trained_on": ..., "figures": {...}, "limits": [...], "licence": ..., "created": ...,
     "lineage": {...}, "calibration": [[confidence, share right], ...], "magnification": 1.2}

``calibration`` may be absent, see `calibration`, and so may ``magnification``, which is 1 then: how
many times as large as in life the networks that mark teeth are to see them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ToothSegLib.errors import NOT_JSON, BundleError, one_line
from ToothSegLib.teeth import N_CATEGORIES

FORMAT = 1
_UNET = {"class": "UNet", "dim": 3, "in_channels": 1}
_TOOTH_OR_NOT = {**_UNET, "out_channels": 1}
NETWORKS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "published-cascade": {
        "locator": _TOOTH_OR_NOT,
        "stage1": _TOOTH_OR_NOT,
        "stage2": {**_UNET, "out_channels": N_CATEGORIES},
    },
    "toothnet": {"locator": _TOOTH_OR_NOT, "toothnet": {"class": "ToothNet"}},
}
"""What each kind of bundle segments with: by role, what the network's architecture must have."""
KINDS = tuple(NETWORKS)
CARD_NAME = "card.json"
# `inference` gives networks images of multiples of 16 voxels.
_MOST_HALVINGS = 4
# Twice as large is eight times the work.
_MOST_MAGNIFIED = 2.0


def read_card(path: Path) -> dict[str, Any]:
    """A card whose format, kind and networks are in order.

    Raises:
        BundleError: it cannot be read, is no JSON, or something in it is missing or forbidden.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from error
    except NOT_JSON as error:
        raise BundleError(f"{path} is not JSON: {one_line(error):.200}") from None
    problem = _problem(card)
    if problem:
        raise BundleError(f"{path} is no card of a bundle: {problem}")
    return dict(card)


def misfit(kind: str, role: str, architecture: Mapping[str, Any]) -> str:
    """Why a network cannot be that of a role in `NETWORKS`, in words; "" if it can."""
    for key, needed in NETWORKS[kind][role].items():
        there = architecture.get(key)
        if there != needed:
            if key == "class":
                return f"is a {there!s:.50}; kind {kind!r} needs a {needed}"
            return f"has {key} {there!r:.50}; kind {kind!r} needs {needed}"
    blocks, widths = architecture.get("n_blocks"), architecture.get("widths")
    halvings = len(widths) if isinstance(widths, list) else 0
    if isinstance(blocks, int):
        halvings = blocks - 1
    if halvings > _MOST_HALVINGS:
        return (
            f"halves its image {halvings} times; ToothSeg gives images that bear {_MOST_HALVINGS}"
        )
    return ""


def _problem(card: Any) -> str | None:
    """What is wrong with a card, in words, or None."""
    if not isinstance(card, dict):
        return "it is not a set of named values"
    if card.get("format") != FORMAT:
        return f"its format is {card.get('format')!r}, this version of ToothSeg reads {FORMAT}"
    if not isinstance(card.get("name"), str) or not card["name"]:
        return "it has no name"
    if card.get("kind") not in KINDS:
        return f"its kind is {card.get('kind')!r}, known are {', '.join(KINDS)}"
    if not isinstance(card.get("networks"), dict) or not card["networks"]:
        return "it has no networks"
    for role, entry in card["networks"].items():
        problem = _network_problem(entry)
        if problem:
            return f"network {role!r} {problem}"
    larger = card.get("magnification", 1)
    if type(larger) not in (int, float) or not 1 <= larger <= _MOST_MAGNIFIED:
        return f"its magnification is {larger!r}: give a number from 1 to {_MOST_MAGNIFIED:g}"
    if not _is_calibration(card.get("calibration", [])):
        return "its calibration is no table of rising pairs between 0 and 1"
    return None


def _is_calibration(table: Any) -> bool:
    """Whether it is a list of pairs of numbers, both columns from 0 to 1, the first one rising."""
    if not isinstance(table, list):
        return False
    for pair in table:
        if not isinstance(pair, list) or len(pair) != 2:
            return False
        if not all(type(value) in (int, float) and 0 <= value <= 1 for value in pair):
            return False
    return all(
        before[0] < after[0] and before[1] <= after[1] for before, after in zip(table, table[1:])
    )


def _network_problem(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "is not a set of named values"
    file = entry.get("file")
    # A card from elsewhere must not reach outside its own folder.
    if not isinstance(file, str) or not file.endswith(".safetensors") or set(file) & set("/\\:\0"):
        return f"has {file!r} for a file, which is no name of a safetensors file in the folder"
    if not isinstance(entry.get("sha256"), str) or not isinstance(entry.get("parameters"), int):
        return "lacks its checksum or its number of parameters"
    if not isinstance(entry.get("architecture"), dict):
        return "lacks its architecture"
    return None
