"""Whether the same teeth come out of one scan however it is stored, turned or cut.

    python -m ToothSegLib.evaluation.robustness SCAN LABELS [--model NAME]

A labelled scan is turned, resampled, cut, rescaled and made noisy, segmented each time, and scored
against its labels, which go the same way. Of teeth that a cut has left less than half of, neither
the labels nor what was found of them counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ToothSegLib import side_program
from ToothSegLib.cascade import segment
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.dataset.voxels import checked_labels, source_of
from ToothSegLib.evaluation import disturbances as d
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.scores import Evaluation
from ToothSegLib.evaluation.slivers import without_slivers
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

DISTURBANCES: Mapping[str, d.Disturbance] = {
    "as it is": lambda scan, labels: (scan, labels),
    "nodded 20 degrees": d.turned(20, 0),
    "nodded -20 degrees": d.turned(-20, 0),
    "leaning 20 degrees": d.turned(20, 1),
    "looking 20 degrees aside": d.turned(20, 2),
    "turned 15 degrees, resampled": d.turned_on_the_grid(15, 0),
    "upper jaw only": d.one_jaw(True),
    "lower jaw only": d.one_jaw(False),
    "voxels of 0.3 mm": d.with_voxels_of(0.3),
    "voxels of 0.8 mm": d.with_voxels_of(0.8),
    "grey values halved, +500": d.greys(0.5, 500.0),
    "grey values doubled, -300": d.greys(2.0, -300.0),
    "8 bit": d.eight_bits(),
    "noise of 100": d.noise(100.0),
    "noise of 250": d.noise(250.0),
    "cylinder of 80 mm": d.cylinder(40.0),
}
_ONE_JAW = ("upper jaw only", "lower jaw only")


def fitting(labels: Volume) -> dict[str, d.Disturbance]:
    """The disturbances that these labels bear: of one jaw alone no other can be cut off."""
    both = d.has_both_jaws(labels)
    return {name: do for name, do in DISTURBANCES.items() if both or name not in _ONE_JAW}


def run(
    bundle: Bundle, scan: Volume, labels: Volume, device: str = "auto"
) -> Iterator[tuple[str, Evaluation]]:
    """Segment and score the scan under each disturbance that fits its labels, by name."""
    for name, disturb in fitting(labels).items():
        seen, truth = disturb(scan, labels)
        result = segment(seen, bundle=bundle, device=device)
        yield name, evaluate(*without_slivers(result.labels, truth, labels))


def as_table(results: list[tuple[str, Evaluation]]) -> str:
    """A line a disturbance, in Markdown."""
    lines = [
        "| the scan | teeth | rightly numbered | mean Dice | ASSD mm | HD95 mm | signed mm |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, evaluation in results:
        right = evaluation.identification
        extra = f" (+{right.predicted - right.matched} wrong)" * (right.predicted > right.matched)
        lines.append(
            f"| {name} | {right.true} | {right.matched}{extra} | {evaluation.mean('dice'):.3f} | "
            f"{evaluation.mean('assd'):.2f} | {evaluation.mean('hd95'):.2f} | "
            f"{evaluation.mean('signed_distance'):+.2f} |"
        )
    return "\n".join(lines)


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    from tqdm import tqdm

    parser = side_program.parser(
        "ToothSegLib.evaluation.robustness", "Disturb a labelled scan and score each time."
    )
    parser.add_argument("scan", type=Path)
    parser.add_argument("labels", type=Path, help="FDI numbers on the scan's grid")
    side_program.add_model(parser)
    side_program.add_device(parser)
    args = parser.parse_args(arguments)
    choose_device(args.device)  # rather told now than after the first case
    bundle = load_bundle(args.model)
    scan = read_volume(args.scan)
    labels = checked_labels(read_labels(args.labels), source_of(scan))
    steps = run(bundle, scan, labels, args.device)
    results = list(tqdm(steps, total=len(fitting(labels)), unit="run", file=sys.stderr))
    print(f"bundle {bundle.name}\n\n{as_table(results)}")


if __name__ == "__main__":
    sys.exit(main())
