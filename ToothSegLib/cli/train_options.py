"""The options of `toothseg train`, and which of its three kinds of training each is for."""

from __future__ import annotations

import argparse

from ToothSegLib.cli.device_option import add_device
from ToothSegLib.errors import InputError

# The recipes by what they learn from; a test holds them to the tables in `training`, which need
# torch and would make --help slow.
SIMULATED = ("toothnet", "locator", "stage1", "stage2")
ARTICLE = tuple(f"article-{number}" for number in range(1, 8))

_SHIPS, _ARTICLE, _FINE = "ships", "article", "fine"
_WORDS = {
    _SHIPS: "for a network that ships",
    _ARTICLE: "for the article's experiments",
    _FINE: "to fine-tune a bundle",
}
# option: the kinds of training that use it; None stands for not given. All use the others.
KINDS = {
    "init": (_SHIPS, _ARTICLE),
    "cases": (_SHIPS, _FINE),
    "steps": (_SHIPS, _FINE),
    **dict.fromkeys(("scans", "scan_share", "only"), (_SHIPS,)),
    **dict.fromkeys(
        ("image", "labels", "epochs", "max_pieces", "optimiser", "full_precision",
         "checkpoint_every"), (_ARTICLE,),
    ),
    **dict.fromkeys(
        ("dataset", "parent", "networks", "held_out", "simulated", "simulated_share",
         "check_every", "patience", "guards", "mixed"), (_FINE,),
    ),
}  # fmt: skip
# What to give in the place of an option that is for another kind of training.
_INSTEAD = {
    ("init", _FINE): "name the bundle that learns on with --from",
    ("scans", _FINE): "put reviewed scans into the data set (toothseg dataset add)",
    ("scan_share", _FINE): "give --simulated-share, the steps that do not learn from its scans",
    ("image", _FINE): "put the scan into the data set (toothseg dataset add)",
    ("labels", _FINE): "put them into the data set (toothseg dataset add)",
    ("epochs", _FINE): "give --steps",
    ("checkpoint_every", _FINE): "a checkpoint is written at every look: give --check-every",
    ("full_precision", _FINE): "it computes in float32 unless --mixed is given, so leave it out",
    ("image", _SHIPS): "give simulated cases with --cases, and scans with --scans",
    ("labels", _SHIPS): "give simulated cases with --cases, and scans with --scans",
    ("epochs", _SHIPS): "give --steps",
    ("parent", _SHIPS): "give the weights to start from with --init",
    ("networks", _SHIPS): "the recipe names the network, so leave it out",
    ("simulated", _SHIPS): "draw cases with toothseg simulate, and give them with --cases",
    ("simulated_share", _SHIPS): "give --scan-share, the steps that learn from --scans",
    ("cases", _ARTICLE): "it learns from one scan: give --image and --labels",
    ("scans", _ARTICLE): "it learns from one scan: give --image and --labels",
    ("steps", _ARTICLE): "give --epochs",
    ("parent", _ARTICLE): "give the weights to start from with --init",
    ("networks", _ARTICLE): "the recipe names the networks, so leave it out",
    ("check_every", _ARTICLE): "give --checkpoint-every",
    ("mixed", _ARTICLE): "it computes so unless --full-precision is given, so leave it out",
}


def refuse_foreign(args: argparse.Namespace) -> None:
    """Refuse an option that the training asked for would not look at.

    Raises:
        InputError: with the option's name and what to give in its place.
    """
    if args.dataset is not None:
        kind, chosen = _FINE, "--dataset"
    else:
        kind, chosen = _ARTICLE if args.recipe in ARTICLE else _SHIPS, f"--recipe {args.recipe}"
    for name, kinds in KINDS.items():
        if kind in kinds or getattr(args, name) is None:
            continue
        whose = " and ".join(_WORDS[one] for one in kinds)
        instead = _INSTEAD.get((name, kind), f"it is {whose}, so leave it out")
        raise InputError(f"{_option(name)} does not go with {chosen}: {instead}")


def _option(name: str) -> str:
    return "--from" if name == "parent" else f"--{name.replace('_', '-')}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        choices=(*SIMULATED, *ARTICLE),
        help="a network that ships: toothnet, locator, stage1, stage2; or one of the article's "
        "experiments: article-1 to article-7 (leave it out with --dataset)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=True,
        help="folder for the log, the checkpoints and the bundle (a network that ships leaves "
        "no bundle: python -m ToothSegLib.training.pack makes it)",
    )
    add_device(parser, "the graphics card, if there is one")
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="what all chance is drawn from (default: 0)",
    )
    parser.add_argument(
        "--learning-rate",
        metavar="X",
        type=float,
        help="highest learning rate (default: the recipe's, or 3e-4 with --dataset)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoints in the output folder"
    )
    _add_simulated(parser.add_argument_group(f"{_WORDS[_SHIPS]} (--recipe {', '.join(SIMULATED)})"))
    _add_article(
        parser.add_argument_group(f"{_WORDS[_ARTICLE]} (--recipe {ARTICLE[0]} to {ARTICLE[-1]})")
    )
    _add_fine_tuning(
        parser.add_argument_group(
            f"{_WORDS[_FINE]} on reviewed scans (--dataset, without --recipe)"
        )
    )


def _add_simulated(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--init",
        metavar="WEIGHTS",
        help="start from these: a bundle, or a safetensors file for the first network; for the "
        "article's experiments too (with --dataset it is --from)",
    )
    parser.add_argument(
        "--cases",
        metavar="DIR",
        help="cases that toothseg simulate has written; with --dataset too, the heads to mix in",
    )
    parser.add_argument(
        "--scans",
        metavar="DIR",
        help="scans to learn from as well, of toothseg simulate with --physics (or --scan), "
        "--third-molars and --mark-implants",
    )
    parser.add_argument(
        "--scan-share",
        metavar="SHARE",
        type=float,
        help="share of the steps that learn from --scans (default: 0.25)",
    )
    parser.add_argument(
        "--only",
        metavar="PART",
        help="let only that part of the network learn, such as prosthesis_head; all else stays as "
        "it came by --init",
    )
    parser.add_argument(
        "--steps",
        metavar="N",
        type=int,
        help="training steps (default: 3000); with --dataset too, of each network (default there: "
        "600)",
    )


def _add_article(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--image", metavar="FILE", help="the scan to learn from")
    parser.add_argument(
        "--labels", metavar="FILE", help="FDI numbers of its teeth, on the same grid"
    )
    parser.add_argument(
        "--epochs", metavar="N", type=int, help="epochs of each network (default: 100)"
    )
    parser.add_argument(
        "--max-pieces",
        metavar="N",
        type=int,
        help="pieces of the scan seen in an epoch, drawn anew for each (default: all)",
    )
    parser.add_argument(
        "--optimiser", choices=("adam", "rmsprop"), help="optimiser (default: adam)"
    )
    parser.add_argument(
        "--full-precision",
        action="store_true",
        default=None,
        help="compute in float32 throughout",
    )
    parser.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=int,
        help="write a checkpoint every N epochs (default: 10)",
    )


def _add_fine_tuning(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--dataset", metavar="DIR", help="data set with the reviewed scans")
    parser.add_argument(
        "--from",
        metavar="NAME|PATH",
        dest="parent",
        help="the bundle that learns on (default: the default bundle)",
    )
    parser.add_argument(
        "--networks",
        metavar="NAME",
        nargs="+",
        help="which networks of the bundle learn (default: all)",
    )
    parser.add_argument(
        "--held-out",
        metavar="SHARE",
        type=float,
        help="share of the patients to judge by and to stop in time (default: 0.25)",
    )
    parser.add_argument(
        "--simulated", metavar="N", type=int, help="heads to draw without --cases (default: 8)"
    )
    parser.add_argument(
        "--simulated-share",
        metavar="SHARE",
        type=float,
        help="share of the steps that learn from simulated heads, lest they be forgotten "
        "(default: 0.5)",
    )
    parser.add_argument(
        "--check-every",
        metavar="N",
        type=int,
        help="steps between two looks at the held-out cases (default: 100)",
    )
    parser.add_argument(
        "--patience",
        metavar="N",
        type=int,
        help="looks in a row that are no better, after which it stops (default: 3)",
    )
    parser.add_argument(
        "--guards",
        metavar="N",
        type=int,
        help="simulated heads on which it must stay as good as its parent; 0: none (default: 20)",
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        default=None,
        help="half precision where the device has it: faster, not the same to the last bit",
    )
