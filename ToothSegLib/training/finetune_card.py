"""The card of a bundle that has learned on: what changed, from what, and what it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ToothSegLib.dataset.privacy import OWN_ID
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.models import Bundle
from ToothSegLib.training.blending import Blend
from ToothSegLib.training.course import Course

_FINE_TUNED = "; fine-tuned"
_OF_THE_SCANS = ", and whatever holds for the scans that it was fine-tuned on"
_BEFORE = "Before it was fine-tuned: "
# Of limits that hold for simulated heads, and for reviewed scans perhaps not.
_OF_HEADS = ("no patient's scan was seen", "were never shown", "was not measured on", "Weakest in")
_FLATTERS = "The held-out figures chose when to stop and how far to go, so they flatter a little."


def finetuned_card(
    parent: Bundle,
    record: Mapping[str, Any],
    courses: Mapping[str, Course],
    blends: Mapping[str, Blend],
    seeds: Mapping[str, Sequence[object]],
    before: Sequence[Outcome],
    after: Sequence[Outcome],
) -> dict[str, Any]:
    """The parent's card with what has changed.

    Args:
        parent: the bundle that learned on.
        record: what the run began with.
        courses, blends: of the networks that were tuned.
        seeds: of simulated heads, by the name under which the lineage keeps them.
        before, after: results on the held-out cases.
    """
    held_out = record["data"]["held_out"]
    networks, has_learned = {}, False
    for role, entry in parent.card["networks"].items():
        steps = courses[role].best[0] if role in blends and blends[role].share else 0
        has_learned |= steps > 0
        networks[role] = {**entry, "fine_tuning_steps": entry.get("fine_tuning_steps", 0) + steps}
    return {
        **parent.card,
        "name": f"{_line(parent.name)}+{_generation(record)}",
        "networks": networks,
        **(_what_it_learned(parent, record) if has_learned else {}),
        "figures": {
            "held-out reviewed cases": {
                "cases": len(held_out),
                "tooth_dice": round(mean_dice(after), 4),
                "identification_f1": round(identification_f1(after), 4),
                "tooth_dice_of_parent": round(mean_dice(before), 4),
                "identification_f1_of_parent": round(identification_f1(before), 4),
            }
        },
        "limits": _limits(parent, has_learned=has_learned),
        "created": record["begun"],
        "lineage": {
            **record,
            "data": {side: _without_names(entries) for side, entries in record["data"].items()},
            **{name: list(of_heads) for name, of_heads in seeds.items()},
            "blends": {role: blend.as_dict() for role, blend in blends.items()},
        },
    }


def _without_names(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cases without names that somebody has given them, which may tell who the patient is: a bundle
    goes further than its data set, and checksums say which cases they were."""
    return [
        {
            key: value
            for key, value in entry.items()
            if key != "case" or OWN_ID.fullmatch(str(value))
        }
        for entry in entries
    ]


def _what_it_learned(parent: Bundle, record: Mapping[str, Any]) -> dict[str, str]:
    """Title, source and licence of a bundle that is no longer its parent, each said once."""
    title, licence = parent.card.get("title", parent.name), parent.card.get("licence", "unknown")
    count = len(record["data"]["learned"])
    heads = " with simulated heads mixed in" if record["recipe"]["simulated_share"] else ""
    then = f"Then fine-tuned on {count} reviewed case{'s' * (count != 1)}{heads}."
    return {
        "title": title.removesuffix(_FINE_TUNED) + _FINE_TUNED,
        "trained_on": f"{parent.card.get('trained_on', '')} {then}".lstrip(),
        "licence": licence.removesuffix(_OF_THE_SCANS) + _OF_THE_SCANS,
    }


def _limits(parent: Bundle, *, has_learned: bool) -> list[str]:
    """The parent's that still hold, and what fine-tuning adds, each once."""
    limits = []
    for limit in parent.card.get("limits", []):
        if has_learned and any(words in limit for words in _OF_HEADS):
            limit = limit.removeprefix(_BEFORE)
            limit = f"{_BEFORE}{limit[:1].lower()}{limit[1:]}"
        limits.append(limit)
    return list(dict.fromkeys([*limits, _FLATTERS]))


def _line(name: str) -> str:
    """The name that a bundle and its descendants share: without the generation, and without what
    promoting has added to it."""
    return re.sub(r"(\+\d+|(-\d+)?-[0-9a-f]{8})+$", "", name)


def _generation(record: Mapping[str, Any]) -> int:
    """How many fine-tunings lie behind the bundle."""
    count = 0
    ancestor: Any = record
    while isinstance(ancestor, Mapping) and ancestor.get("parent"):
        count += "data" in ancestor  # what was packed from simulated heads alone has none
        ancestor = ancestor["parent"].get("lineage")
    return count
