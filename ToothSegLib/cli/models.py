"""`toothseg models`: the bundles of weights, their figures, and whether they are intact."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from ToothSegLib.errors import BundleError

_CARD_LINES = (
    ("trained on", "trained_on"),
    ("figures", "figures"),
    ("limits", "limits"),
    ("licence", "licence"),
    ("created", "created"),
)
_WIDTH = 96


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "bundles", metavar="NAME|PATH", nargs="*", help="bundles to show (default: those that came)"
    )


def run(args: argparse.Namespace) -> int:
    """Show and verify bundles; 2 if one of them is not sound."""
    from ToothSegLib.models import default_bundle_name, list_bundles, load_bundle

    names = args.bundles or list_bundles()
    if not names:
        raise BundleError("ToothSeg came without weights: train some (toothseg train --help)")
    try:
        default = default_bundle_name()
    except BundleError:
        default = ""
    code = 0
    for name in names:
        try:
            bundle = load_bundle(name)
            bundle.verify()
        except BundleError as error:
            print(f"toothseg: error: {error}", file=sys.stderr)
            code = 2
            continue
        if not args.quiet:
            print(describe(bundle.card, is_default=bundle.name == default), end="\n\n")
    return code


def describe(card: Mapping[str, Any], *, is_default: bool) -> str:
    """What a card says, in lines to read."""
    lines = [f"{card['name']}{' (default)' if is_default else ''}: {card.get('title', '')}"]
    for role, entry in card["networks"].items():
        lines.append(f"  network {role:<10}{entry['parameters']:>12,} parameters, intact")
    for title, key in _CARD_LINES:
        if card.get(key):
            lines += textwrap.wrap(
                f"{title}: {_words(card[key])}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
            )
    return "\n".join(lines)


def _words(value: Any) -> str:
    """Nested JSON values in a row."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key.replace('_', ' ')} {_words(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "; ".join(_words(part) for part in value)
    return str(value)
