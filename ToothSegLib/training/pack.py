"""Make a bundle out of finished runs.

    python -m ToothSegLib.training.pack toothnet RUN RUN -o Resources/Models/toothnet
    python -m ToothSegLib.training.pack published-cascade RUN RUN RUN -o Resources/Models/published
    python -m ToothSegLib.training.pack toothnet RUN --rest toothnet -o Resources/Models/toothnet

Each run folder is one that `toothseg train --recipe TASK` wrote; the running mean of its weights
is what goes into the bundle. With --rest, the networks that no run was about come from a bundle as
they are, and its own steps are added to those of a run that started from it. Figures are written
into the card by the benchmark, not here.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch

from ToothSegLib import __version__, side_program
from ToothSegLib.bundles.model_card import KINDS
from ToothSegLib.errors import BundleError, InputError
from ToothSegLib.lineage import as_parent, learned_scans
from ToothSegLib.models import Bundle, load_bundle, write_bundle
from ToothSegLib.training.blending import between
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.learning_step import averages_in
from ToothSegLib.training.tasks import TASKS

TITLES = {
    "toothnet": "ToothNet: tooth, type and centre in one pass, with a coarse locator before it",
    "published-cascade": "The article's two light 3D U-Nets, with the same locator before them",
}
LIMITS = [
    "For research use, not a medical device.",
    "Learned from simulated heads of adults alone; no patient's scan was seen in training, one "
    "patient's label map of bone and teeth was.",
    "Milk teeth, supernumerary teeth and cleft jaws were never shown; heavy metal artefacts are "
    "simulated crudely.",
]
TRAINED_ON = (
    "Simulated heads ('toothseg simulate'), pictures drawn anew at every step; teeth procedural, "
    "from one individual's meshes (Open-Full-Jaw, Patient 26, MIT) and from a statistical model of "
    "crowns (3D-Teeth-Reconstruction-from-Five-Intra-oral-Images, MIT); bone and teeth of one "
    "head's label map (SlicerDentalSegmentator's test data, Apache-2.0). See docs/training.md."
)


def pack(
    kind: str,
    runs: list[Path],
    folder: Path,
    trained_on: str = TRAINED_ON,
    rest: Bundle | None = None,
    share: float = 1.0,
) -> Bundle:
    """Write the bundle.

    Args:
        kind: "toothnet" or "published-cascade".
        runs: folders of the runs, in any order; each names its task.
        folder: where to write the bundle; its last part is the bundle's name.
        trained_on: for the card, what the runs learned from.
        rest: the bundle that the runs started from, which gives all other networks.
        share: of the way from the weights of ``rest`` to those of the runs, all of which must
            have started there if it is less than 1.

    Raises:
        InputError: there is nothing to be on the way from, the share is not in 0 to 1, a run
            started from a bundle that has learned from patients' scans and is not ``rest``, or the
            networks have learned to see teeth in different sizes.
        BundleError: a run's checkpoint is missing, damaged or of no known task, or holds weights
            that are no numbers.
        OutputError: the folder cannot be written.
    """
    if not 0 < share <= 1:
        raise InputError(f"--share {share:g}: give a share above 0 and up to 1")
    if share < 1 and rest is None:
        raise InputError(f"--share {share:g}: give the bundle to start from, too, with --rest")
    networks: dict[str, dict[str, Any]] = {}
    entries: dict[str, Any] = {}
    sizes: dict[str, float] = {}
    for run in runs:
        saved = load_checkpoint(run / "checkpoint.safetensors")
        task = TASKS.get(str(saved.state.get("task")))
        if task is None:
            raise BundleError(f"{run} is a run of no known task ({saved.state.get('task')!r})")
        parent = saved.state.get("parent")
        _refuse_to_forget(run, parent, rest)
        started = rest is not None and _started_from(rest, task.name, parent)
        usual = task.magnification if rest is None else rest.magnification
        sizes[task.name] = float(saved.state.get("magnification", usual))
        networks[task.name] = averages_in(saved.weights)
        if not all(bool(tensor.isfinite().all()) for tensor in networks[task.name].values()):
            raise BundleError(
                f"{run} holds weights that are no numbers: train anew with a lower learning rate"
            )
        if share < 1:
            assert rest is not None
            if not started:
                _refuse_between(run, task.name, parent, rest, share)
            networks[task.name] = _on_the_way(rest, task.name, networks[task.name], share)
        entries[task.name] = {
            "architecture": task.architecture,
            "spacing_mm": task.spacing_mm,
            "steps": saved.state["step"] + (_steps(rest, task.name) if started else 0),
        }
    if rest is not None:
        for name, entry in rest.card["networks"].items():
            if name not in networks:
                networks[name] = rest.build(name).state_dict()
                kept = ("architecture", "spacing_mm", "steps")
                entries[name] = {key: entry[key] for key in kept if key in entry}
                sizes[name] = rest.magnification
    card = {
        "name": folder.name,
        "title": TITLES[kind],
        "kind": kind,
        "magnification": _magnification(sizes, rest),
        "networks": entries,
        **_told(rest, trained_on),
        "figures": {},
        "created": datetime.date.today().isoformat(),
        "lineage": {
            "parent": None if rest is None else as_parent(rest),
            "code": __version__,
            "recipe": sorted(entries),
            **({"share": share} if share < 1 else {}),
        },
    }
    return write_bundle(folder, card, networks, half=True)


def _refuse_to_forget(run: Path, parent: object, rest: Bundle | None) -> None:
    """Raise InputError if a bundle would not tell of scans that a run's parent has learned from."""
    told = set() if rest is None else learned_scans(rest.card.get("lineage"))
    if isinstance(parent, Mapping) and learned_scans({"parent": parent}) - told:
        raise InputError(
            f"{run} started from {parent.get('name')}, which has learned from patients' scans: "
            "give that bundle with --rest, so that the new one's card says so"
        )


def _started_from(rest: Bundle, network: str, parent: object) -> bool:
    """Whether a run's parent has the very weights of a bundle's network."""
    theirs = parent.get("networks") if isinstance(parent, Mapping) else None
    ours = rest.weights.get(network)
    return ours is not None and isinstance(theirs, Mapping) and theirs.get(network) == ours


def _refuse_between(
    run: Path, network: str, parent: object, rest: Bundle, share: float
) -> NoReturn:
    """Raise InputError: weights between two of different origin know neither's teeth."""
    if isinstance(parent, Mapping):
        raise InputError(
            f"--share {share:g}: the {network} of {run} started from {parent.get('name')}, not "
            f"from that of {rest.name}: give the bundle that it started from with --rest"
        )
    raise InputError(
        f"--share {share:g}: {run} names no bundle that its {network} started from: leave --share "
        f"out, or train anew with --init {rest.name}"
    )


def _magnification(sizes: Mapping[str, float], rest: Bundle | None) -> float:
    """How large the bundle's networks see teeth, from how large each does; the locator sees them as
    in life. Raises InputError if they do not agree."""
    found = {size for name, size in sizes.items() if name != "locator"}
    if len(found) > 1:
        each = ", ".join(f"{name} {size:g}" for name, size in sorted(sizes.items()))
        raise InputError(
            f"the networks see teeth in different sizes ({each} times as in life), a bundle's all "
            "in one: pack such as have learned at the same magnification"
        )
    return found.pop() if found else 1.0 if rest is None else rest.magnification


def _told(rest: Bundle | None, trained_on: str) -> dict[str, Any]:
    """What the card says of its learning. What has learned from reviewed scans goes on saying so,
    whatever it learns afterwards."""
    if rest is None or not learned_scans(rest.card.get("lineage")):
        return {"trained_on": trained_on, "limits": LIMITS, "licence": "Apache-2.0"}
    return {
        "trained_on": f"{rest.card.get('trained_on', '')} Then: {trained_on}".lstrip(),
        "limits": rest.card.get("limits", LIMITS),
        "licence": rest.card.get("licence", "unknown"),
    }


def _on_the_way(
    rest: Bundle, network: str, end: dict[str, Any], share: float
) -> dict[str, torch.Tensor]:
    start = rest.build(network).state_dict() if network in rest.networks else {}
    shapes = {name: tensor.shape for name, tensor in end.items()}
    if {name: tensor.shape for name, tensor in start.items()} != shapes:
        raise BundleError(f"bundle {rest.name!r} has no {network} like that of the run")
    return between(start, end, share)


def _steps(bundle: Bundle | None, network: str) -> int:
    """What a bundle's network has learned already."""
    return int(bundle.card["networks"].get(network, {}).get("steps", 0)) if bundle else 0


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = side_program.parser("ToothSegLib.training.pack", "Make a bundle out of finished runs.")
    parser.add_argument("kind", choices=KINDS, help="kind of the bundle")
    parser.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="folder of a finished run of 'toothseg train'",
    )
    parser.add_argument("--rest", metavar="NAME|PATH", help="the bundle that the runs started from")
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="of the way from its weights (default: 1, all)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the bundle"
    )
    args = parser.parse_args(arguments)
    rest = load_bundle(args.rest) if args.rest else None
    bundle = pack(args.kind, args.runs, args.output, rest=rest, share=args.share)
    print(f"{bundle.folder}: {', '.join(bundle.networks)}")


if __name__ == "__main__":
    sys.exit(main())
