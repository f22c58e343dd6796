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
from pathlib import Path
from typing import Any

from ToothSegLib.errors import BundleError

FORMAT = 1
KINDS = ("published-cascade", "toothnet")
CARD_NAME = "card.json"
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
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not JSON: {one_line(error)}") from None
    problem = _problem(card)
    if problem:
        raise BundleError(f"{path} is no card of a bundle: {problem}")
    return dict(card)


def one_line(error: BaseException) -> str:
    """An error of another library on a single line of bearable length."""
    return " ".join(str(error).split())[:200]


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
