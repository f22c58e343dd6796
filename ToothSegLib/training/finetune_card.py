"""The card of a bundle that has learned on: what changed, from what, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.models import Bundle
from ToothSegLib.training.blending import Blend
from ToothSegLib.training.course import Course


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
    learned, held_out = record["data"]["learned"], record["data"]["held_out"]
    networks = {}
    for role, entry in parent.card["networks"].items():
        steps = courses[role].best[0] if role in blends and blends[role].share else 0
        networks[role] = {**entry, "fine_tuning_steps": steps}
    return {
        **parent.card,
        "name": f"{parent.name.split('+')[0]}+{_generation(record)}",
        "title": f"{parent.card.get('title', parent.name)}; fine-tuned",
        "networks": networks,
        "trained_on": f"{parent.card.get('trained_on', '')} Then fine-tuned on {len(learned)} "
        "reviewed cases with simulated heads mixed in.".lstrip(),
        "figures": {
            "held-out reviewed cases": {
                "cases": len(held_out),
                "tooth_dice": round(mean_dice(after), 4),
                "identification_f1": round(identification_f1(after), 4),
                "tooth_dice_of_parent": round(mean_dice(before), 4),
                "identification_f1_of_parent": round(identification_f1(before), 4),
            }
        },
        "limits": [
            *parent.card.get("limits", []),
            "The held-out figures chose when to stop and how far to go, so they flatter a little.",
        ],
        "licence": f"{parent.card.get('licence', 'unknown')}, and whatever holds for the scans "
        "that it was fine-tuned on",
        "created": record["begun"],
        "lineage": {
            **record,
            **{name: list(of_heads) for name, of_heads in seeds.items()},
            "blends": {role: blend.as_dict() for role, blend in blends.items()},
        },
    }


def _generation(record: Mapping[str, Any]) -> int:
    """How many fine-tunings lie behind the bundle."""
    count = 0
    ancestor: Any = record
    while isinstance(ancestor, Mapping) and ancestor.get("parent"):
        count += 1
        ancestor = ancestor["parent"].get("lineage")
    return count
