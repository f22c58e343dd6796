"""`toothseg models`: the bundles of weights, and which of them is the default."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ToothSegLib.cli.device_option import add_device
from ToothSegLib.cli.words import plain
from ToothSegLib.command_line import command_line
from ToothSegLib.errors import BundleError, InputError

_CARD_LINES = (
    ("trained on", "trained_on"),
    ("figures", "figures"),
    ("limits", "limits"),
    ("licence", "licence"),
    ("created", "created"),
)
_WIDTH = 96

# action: how many bundles it takes
ACTIONS = {"compare": (1, 2), "promote": (1,), "rollback": (0,)}
# action: the options that mean something to it, beside those of every action
_OPTIONS = {"compare": ("dataset", "benchmark", "json"), "promote": ("force",), "rollback": ()}
# Words that others would take for an action.
_SHOWING = ("show", "list")
_DESCRIPTION = """Lists the bundles of weights, their figures and whether they are intact; or:

  compare A B      side by side by tooth, on --dataset, on the fixed --benchmark, or on both
  compare B        the same, against the default bundle
  promote BUNDLE   make it your default, unless it is more than half a point worse on the fixed
                   benchmark than the default or than the one that came with ToothSeg
  rollback         take the last promotion back"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _DESCRIPTION
    words = parser.add_argument(
        "words",
        metavar="ACTION|NAME|PATH",
        nargs="*",
        help="an action with its bundles, or bundles to show (default: all that are known)",
    )
    parser.set_defaults(last=words)
    add_device(parser, "the graphics card, if there is one")
    comparing = parser.add_argument_group("to compare")
    comparing.add_argument(
        "--dataset",
        metavar="DIR",
        help="on its reviewed cases, but not on patients that one of the two has learned from",
    )
    comparing.add_argument(
        "--benchmark", action="store_true", help="on the fixed benchmark; takes minutes once"
    )
    comparing.add_argument("--json", action="store_true", help="print JSON instead of tables")
    promoting = parser.add_argument_group("to promote")
    promoting.add_argument(
        "--force", action="store_true", help="measure nothing, and promote it even if it is worse"
    )


def run(args: argparse.Namespace) -> int:
    """Do an action, or show and verify bundles; 2 if one of them is not sound.

    Raises:
        InputError, BundleError, OutputError: as of `model_actions`.
    """
    action, bundles = (args.words[0], args.words[1:]) if args.words else ("", [])
    if action not in ACTIONS:
        for option in _given(args):
            raise InputError(f"--{option}: give an action, {', '.join(ACTIONS)}, before it")
        _refuse_word(args.words)
        return show(args.words, quiet=args.quiet)
    for option in _given(args):
        if option not in _OPTIONS[action]:
            right = next(other for other, options in _OPTIONS.items() if option in options)
            raise InputError(
                f"--{option} is of toothseg models {right}: toothseg models {action} would do "
                "nothing with it, so leave it out"
            )
    if len(bundles) not in ACTIONS[action]:
        wanted = " or ".join(map(str, ACTIONS[action]))
        wanted += " bundle" if ACTIONS[action] == (1,) else " bundles"
        raise InputError(f"toothseg models {action} takes {wanted}, not {len(bundles)}")
    from ToothSegLib.cli import model_actions

    if action == "compare":
        return model_actions.compare_bundles(args, *([None] * (2 - len(bundles))), *bundles)
    if action == "promote":
        return model_actions.promote_bundle(args, *bundles)
    return model_actions.roll_back_bundle(args)


def _given(args: argparse.Namespace) -> list[str]:
    """Which options of actions there are."""
    return [name for names in _OPTIONS.values() for name in names if getattr(args, name)]


def _refuse_word(words: Sequence[str]) -> None:
    """What is meant to show bundles, or a misspelt action, and is the name of no bundle.

    Raises:
        InputError: as said.
    """
    from ToothSegLib.models import list_bundles

    word = words[0] if words else ""
    if word in list_bundles() or os.path.exists(word):
        return
    if word in _SHOWING:
        right = command_line("toothseg", "models", *words[1:])
        raise InputError(f"{word!r} is no action: bundles are shown without one, by {right}")
    if get_close_matches(word, ACTIONS, 1):
        raise InputError(f"{word!r} is no action and no bundle; actions are {', '.join(ACTIONS)}")


def show(names: Sequence[str], *, quiet: bool) -> int:
    """Show and verify bundles, by default all that are known and whether there is a default; 2 if
    one is not sound."""
    from ToothSegLib.models import (
        default_bundle_name,
        list_bundles,
        load_bundle,
        outlived_promotion,
    )

    known = list_bundles()
    everything, names = not names, names or known
    if not names:
        raise BundleError("ToothSeg came without weights: train some (toothseg train --help)")
    code, its_name, default = 0, "", None
    try:
        its_name = default_bundle_name()
        default = load_bundle()
    except BundleError as error:
        if everything and its_name not in known:  # what is wrong with those is told below
            code = _tell(error)
    for name in names:
        try:
            bundle = load_bundle(name)
            bundle.verify()
        except BundleError as error:
            code = _tell(error)
            continue
        if not quiet:
            # Its name may be that of any bundle from elsewhere.
            is_default = default is not None and os.path.samefile(bundle.folder, default.folder)
            print(describe(bundle.card, is_default=is_default), end="\n\n")
    if everything and not quiet and default is not None and (line := outlived_promotion()):
        print(plain(line), file=sys.stderr)
    return code


def _tell(error: BundleError) -> int:
    """Print it in one line on stderr; its exit code."""
    print(f"toothseg: error: {plain(str(error))}", file=sys.stderr)
    return error.exit_code


def describe(card: Mapping[str, Any], *, is_default: bool) -> str:
    """What a card says, in lines to read."""
    name, title = plain(card["name"]), _words(card.get("title", ""))
    lines = [f"{name}{' (default)' if is_default else ''}: {title}"]
    for role, entry in card["networks"].items():
        lines.append(f"  network {plain(role):<10}{entry['parameters']:>12,} parameters, intact")
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
    """Nested JSON values in a row, each on its own without what a terminal would obey."""
    if isinstance(value, Mapping):
        return "; ".join(
            f"{plain(key.replace('_', ' '))} {_words(part)}" for key, part in value.items()
        )
    if isinstance(value, list):
        return "; ".join(_words(part) for part in value)
    return plain(str(value))
