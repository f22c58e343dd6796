"""Weights to start a training from, instead of random ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ToothSegLib.bundles.model_card import CARD_NAME
from ToothSegLib.bundles.safetensors_io import read_safetensors
from ToothSegLib.errors import InputError
from ToothSegLib.lineage import as_parent
from ToothSegLib.models import load_bundle


def starting_weights(source: str, recipe: str, roles: Sequence[str]) -> dict[str, Any]:
    """Weights by role, from a bundle or one safetensors file.

    Args:
        source: folder or name of a bundle, or a file with the weights of the first role.
        recipe: its name, for the message.
        roles: the networks that the recipe trains.

    Raises:
        InputError: the bundle has none of the recipe's networks.
        BundleError: the weights cannot be read.
    """
    if source.endswith(".safetensors"):
        return {roles[0]: read_safetensors(source)}
    bundle = load_bundle(source)
    shared = [role for role in roles if role in bundle.networks]
    if not shared:
        raise InputError(
            f"bundle {bundle.name!r} has {', '.join(bundle.networks)}, "
            f"{recipe} needs {', '.join(roles)}"
        )
    return {role: bundle.build(role).state_dict() for role in shared}


def parent_of(source: str) -> dict[str, Any] | None:
    """What a run that starts from there remembers of the bundle; see `lineage.as_parent`.

    Args:
        source: as of `starting_weights`; None comes of a file that lies in no bundle.

    Raises:
        BundleError: the bundle cannot be read.
    """
    if source.endswith(".safetensors"):
        folder = Path(source).parent
        return as_parent(load_bundle(folder)) if (folder / CARD_NAME).is_file() else None
    return as_parent(load_bundle(source))
