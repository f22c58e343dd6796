"""Whether teeth keep their numbers where little of the jaws is in view.

    python -m ToothSegLib.evaluation.small_fields SCAN LABELS [--cases N] [--model NAME]

Upright cylinders of 40 to 80 mm, as a CBCT sees them, are cut out of a labelled scan about one of
its teeth each, always the same ones. Where less of an arch is in view, there is less to count by:
what matters is that numbers are right, and that a wrong one does not stand there without a word.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ToothSegLib import side_program
from ToothSegLib.cascade import segment
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.dataset.voxels import checked_labels, source_of
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation import disturbances as d
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.slivers import without_slivers
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.report import Segmentation
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

SIZES_MM = (40, 50, 60, 80)
"""Diameters and heights of the cylinders."""

_SEED = 11
_BESIDE_MM = 5.0


@dataclass(frozen=True)
class Field:
    """A cylinder: its middle in LPS mm, its diameter and its height in mm."""

    middle: NDArray[np.float64]
    diameter: int
    height: int


@dataclass(frozen=True)
class Seen:
    """What came of one field of view.

    Attributes:
        diameter: of the field, mm.
        teeth: of which at least half is in view.
        right: of these, found under their own number with an IoU of 0.5.
        dice: mean of these teeth; NaN if there are none.
        wrong: numbers in the result that cover another tooth, or none, whatever is left of it.
        untold: of these, how many no finding names.
    """

    diameter: int
    teeth: int
    right: int
    dice: float
    wrong: int
    untold: int


def fields(labels: Volume, count: int) -> list[Field]:
    """Cylinders about teeth that are chosen at random, of sizes in turn.

    Args:
        labels: (k, j, i) FDI numbers.
        count: how many.

    Raises:
        InputError: there are no teeth.
    """
    teeth = np.unique(labels.array[labels.array > 0])
    if not teeth.size:
        raise InputError("the labels hold no tooth; give those of a scan with teeth")
    rng = np.random.default_rng(_SEED)
    found = []
    for number in range(count):
        index = np.argwhere(labels.array == rng.choice(teeth))[:, ::-1].mean(axis=0)
        middle = labels.index_to_lps[:3, :3] @ index + labels.origin
        beside = rng.normal(0.0, _BESIDE_MM, 3)
        diameter, height = SIZES_MM[number % len(SIZES_MM)], int(rng.choice(SIZES_MM))
        found.append(Field(middle + beside, diameter, height))
    return found


def judged(result: Segmentation, truth: Volume, whole: Volume, diameter: int) -> Seen:
    """Hold a result against what is in view.

    Args:
        result: of the part that is in view.
        truth: (k, j, i) FDI numbers of that part.
        whole: of all of the scan.
        diameter: of the field, mm.
    """
    found = result.labels.array
    pairs = found.astype(np.int64).ravel() * 100 + truth.array.ravel()
    covered = np.bincount(pairs, minlength=100 * 100).reshape(100, 100)[:, 1:]
    wrong = [
        fdi
        for fdi in np.unique(found[found > 0]).tolist()
        if covered[fdi, fdi - 1] == 0 or covered[fdi].argmax() != fdi - 1
    ]
    named = {fdi for finding in result.findings for fdi in finding.fdi}
    evaluation = evaluate(*without_slivers(result.labels, truth, whole))
    return Seen(
        diameter=diameter,
        teeth=evaluation.identification.true,
        right=evaluation.identification.matched,
        dice=evaluation.mean("dice"),
        wrong=len(wrong),
        untold=len(set(wrong) - named),
    )


def run(
    bundle: Bundle, scan: Volume, labels: Volume, count: int, device: str = "auto"
) -> Iterator[Seen]:
    """Segment and judge one field after the other."""
    for field in fields(labels, count):
        seen, truth = d.field_of_view(field.middle, field.diameter, field.height)(scan, labels)
        result = segment(seen, bundle=bundle, device=device)
        yield judged(result, truth, labels, field.diameter)


def as_table(results: Sequence[Seen]) -> str:
    """A line a diameter, and one for all, in Markdown."""
    lines = [
        "| diameter | fields | teeth | rightly numbered | mean Dice | wrong numbers | untold |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = {f"{mm} mm": [one for one in results if one.diameter == mm] for mm in SIZES_MM}
    for name, mine in {**groups, "all": list(results)}.items():
        if not mine:
            continue
        teeth, right, wrong, untold = (
            sum(getattr(one, what) for one in mine)
            for what in ("teeth", "right", "wrong", "untold")
        )
        dice = sum(one.dice * one.teeth for one in mine if one.teeth) / teeth if teeth else np.nan
        lines.append(
            f"| {name} | {len(mine)} | {teeth} | {right} | {dice:.3f} | {wrong} | {untold} |"
        )
    return "\n".join(lines)


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    from tqdm import tqdm

    parser = side_program.parser(
        "ToothSegLib.evaluation.small_fields",
        "Cut small fields of view out of a labelled scan and look at the numbers of the teeth.",
    )
    parser.add_argument("scan", type=Path, help="scan to cut the fields out of")
    parser.add_argument("labels", type=Path, help="FDI numbers on the scan's grid")
    side_program.add_model(parser)
    side_program.add_cases(parser, 40, of="fields of view")
    side_program.add_device(parser)
    args = parser.parse_args(arguments)
    choose_device(args.device)  # rather told now than after the first field
    bundle = load_bundle(args.model)
    scan = read_volume(args.scan)
    labels = checked_labels(read_labels(args.labels), source_of(scan))
    steps = run(bundle, scan, labels, args.cases, args.device)
    results = list(tqdm(steps, total=args.cases, unit="field", file=sys.stderr))
    print(f"bundle {bundle.name}\n\n{as_table(results)}")


if __name__ == "__main__":
    sys.exit(main())
