"""Make a bundle out of finished runs.

    python -m ToothSegLib.training.pack toothnet RUN RUN -o Resources/Models/toothnet
    python -m ToothSegLib.training.pack published-cascade RUN RUN RUN -o Resources/Models/published

Each run folder is one that `toothseg train --recipe TASK` wrote; the running mean of its weights
is what goes into the bundle. Figures are written into the card by the benchmark, not here.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from ToothSegLib import __version__
from ToothSegLib.errors import BundleError, ToothSegError
from ToothSegLib.model_card import KINDS
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.tasks import TASKS

TITLES = {
    "toothnet": "ToothNet: tooth, type and centre in one pass, with a coarse locator before it",
    "published-cascade": "The article's two light 3D U-Nets, with the same locator before them",
}
LIMITS = [
    "For research use, not a medical device.",
    "Learned from simulated heads of adults alone; no patient's scan was seen in training.",
    "Milk teeth, supernumerary teeth, cleft jaws and heavy metal artefacts were never shown.",
]
TRAINED_ON = (
    "Simulated heads ('toothseg simulate'), pictures drawn anew at every step; teeth procedural, "
    "from one individual's meshes (Open-Full-Jaw, Patient 26, MIT) and from a statistical model of "
    "crowns (3D-Teeth-Reconstruction-from-Five-Intra-oral-Images, MIT). See docs/training.md."
)
_AVERAGE = "average."


def pack(kind: str, runs: list[Path], folder: Path, trained_on: str = TRAINED_ON) -> Bundle:
    """Write the bundle.

    Args:
        kind: "toothnet" or "published-cascade".
        runs: folders of the runs, in any order; each names its task.
        folder: where to write the bundle; its last part is the bundle's name.
        trained_on: for the card, what the runs learned from.

    Raises:
        BundleError: a run's checkpoint is missing, damaged or of no known task.
        OutputError: the folder cannot be written.
    """
    networks: dict[str, dict[str, Any]] = {}
    entries: dict[str, Any] = {}
    for run in runs:
        saved = load_checkpoint(run / "checkpoint.safetensors")
        task = TASKS.get(str(saved.state.get("task")))
        if task is None:
            raise BundleError(f"{run} is a run of no known task ({saved.state.get('task')!r})")
        networks[task.name] = {
            name.removeprefix(_AVERAGE): tensor
            for name, tensor in saved.weights.items() if name.startswith(_AVERAGE)
        }  # fmt: skip
        entries[task.name] = {
            "architecture": task.architecture,
            "spacing_mm": task.spacing_mm,
            "steps": saved.state["step"],
        }
    card = {
        "name": folder.name,
        "title": TITLES[kind],
        "kind": kind,
        "networks": entries,
        "trained_on": trained_on,
        "figures": {},
        "limits": LIMITS,
        "licence": "Apache-2.0",
        "created": datetime.date.today().isoformat(),
        "lineage": {"parent": None, "code": __version__, "recipe": sorted(entries)},
    }
    return write_bundle(folder, card, networks, half=True)


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Make a bundle out of finished runs.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    try:
        bundle = pack(args.kind, args.runs, args.output)
    except ToothSegError as error:
        sys.exit(f"pack: error: {error}")
    print(f"{bundle.folder}: {', '.join(bundle.networks)}")


if __name__ == "__main__":
    main()
