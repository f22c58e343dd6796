"""Whether implants are told from teeth, and teeth full of metal from implants.

    python -m ToothSegLib.evaluation.implant_check [--cases N] [--model NAME] [--artefacts]

Simulated heads of three kinds: ten teeth missing and implants in most of the gaps, no teeth but
implants, and no implants but crowns and filled roots on most teeth. No training draws their seeds.
With --artefacts metal starves and swells what is beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib import side_program
from ToothSegLib.cascade import segment
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.evaluation.metrics import MATCH_IOU
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.report import Segmentation
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.pictures import ORDINARY
from ToothSegLib.synthesis.scans import scan_tissues, simulate_scan
from ToothSegLib.teeth import ALL_FDI_NUMBERS
from ToothSegLib.volume import Volume

FIRST_SEED = 939_200

_THIRDS = tuple(fdi for fdi in ALL_FDI_NUMBERS if fdi % 10 == 8)
_GAPS = 10
_WORKED = 20
# An implant in view has at least this much titanium; what is called a tooth is one if so much of it
# is the implant, and none of the patient's teeth has more of it.
_LEAST_MM3 = 20.0
_SHARE = 0.3


@dataclass(frozen=True)
class Told:
    """What came of one head.

    Attributes:
        implants: in view.
        passed: of these, how many have a tooth's number.
        doubted: of these again, how many a finding says may be implants.
        teeth: of the patient, third molars not counted.
        missed: of these, how many have no region of their number with an IoU of 0.5.
        nothing: numbers that stand on neither an implant nor a tooth, as bone or a third molar.
    """

    implants: int
    passed: int
    doubted: int
    teeth: int
    missed: int
    nothing: int = 0


def gaps_with_implants(seed: int) -> Case:
    """Ten teeth missing, implants in four of five places."""
    lost = np.random.default_rng([seed, 7]).choice(ALL_FDI_NUMBERS, _GAPS, replace=False).tolist()
    return make_case(seed, ordinary=True, wish=Wish(tuple(lost), None, 0.8))


def implants_alone(seed: int) -> Case:
    """No teeth; implants in half of the places."""
    return make_case(seed, ordinary=True, wish=Wish(ALL_FDI_NUMBERS, None, 0.5))


def crowned_and_filled(seed: int) -> Case:
    """No implants; most teeth have crowns of metal or ceramic, over roots filled to the apex."""
    rng = np.random.default_rng([seed, 8])
    worked = rng.choice(ALL_FDI_NUMBERS, _WORKED, replace=False)
    case = make_case(seed, ordinary=True, wish=Wish(_THIRDS, tuple(worked.tolist()), 0.0))
    assert case.detail is not None  # as of every case that is drawn
    inside = _filled(case.detail.inside, case.detail.owner, worked, seed)
    return replace(case, detail=replace(case.detail, inside=inside))


def _filled(
    tissue: NDArray[np.uint8], owner: NDArray[np.uint8], worked: NDArray[np.integer], seed: int
) -> NDArray[np.uint8]:
    rng = np.random.default_rng([seed, 9])
    tissue = tissue.copy()
    for fdi in worked:
        tooth = owner == fdi
        tissue[tooth & (tissue == tissues.PULP)] = tissues.ROOT_FILLING
        if rng.random() < 0.5:
            tissue[tooth & (tissue == tissues.METAL)] = tissues.CERAMIC
    return tissue


KINDS: dict[str, Callable[[int], Case]] = {
    "10 teeth missing, implants": gaps_with_implants,
    "no teeth, implants": implants_alone,
    "20 teeth crowned, roots filled": crowned_and_filled,
}


def told(result: Segmentation, truth: Volume, tissue: Volume) -> Told:
    """Hold a result against what is there.

    Args:
        result: of the scan.
        truth: (k, j, i) FDI numbers.
        tissue: (k, j, i) codes of `tissues`, on the same grid.
    """
    voxel_mm3 = truth.voxel_mm3
    implant, there = _implants(tissue.array, truth.array, voxel_mm3)
    found = result.labels.array
    of_implants = np.bincount(found.ravel(), implant.ravel(), minlength=100)
    sizes = np.bincount(found.ravel(), minlength=100)
    numbers = np.unique(found[found > 0]).tolist()
    passed = [
        fdi
        for fdi in numbers
        if of_implants[fdi] > _SHARE * sizes[fdi]
        and of_implants[fdi] > _overlaps(found == fdi, truth.array).max(initial=0)
    ]
    none = [
        fdi
        for fdi in numbers
        if fdi not in passed and not _overlaps(found == fdi, truth.array).any()
    ]
    doubts = {t for f in result.findings if f.code == "perhaps-implant" for t in f.fdi}
    teeth = np.unique(truth.array[truth.array > 0]).tolist()
    return Told(
        implants=there,
        passed=len(passed),
        doubted=len(doubts.intersection(passed)),
        teeth=len(teeth),
        missed=sum(_iou(found == fdi, truth.array == fdi) < MATCH_IOU for fdi in teeth),
        nothing=len(none),
    )


def _implants(
    tissue: NDArray[np.uint8], truth: NDArray[np.uint8], voxel_mm3: float
) -> tuple[NDArray[np.bool_], int]:
    """Where implants with their crowns are, and how many."""
    work = np.isin(tissue, (tissues.TITANIUM, tissues.CERAMIC, tissues.METAL)) & (truth == 0)
    things, _ = ndimage.label(work, np.ones((3, 3, 3)))
    titanium = np.bincount(things[tissue == tissues.TITANIUM], minlength=things.max() + 1)
    titanium[0] = 0
    screws = np.flatnonzero(titanium * voxel_mm3 >= _LEAST_MM3)
    return np.isin(things, screws), len(screws)


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def _overlaps(region: NDArray[np.bool_], truth: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Voxels that a region shares with each true tooth."""
    return np.bincount(truth[region & (truth > 0)])


def run(
    bundle: Bundle, count: int, device: str = "auto", *, metal_artefacts: bool = False
) -> Iterator[tuple[str, Told]]:
    """Kind and outcome of every head."""
    for kind, make in KINDS.items():
        for seed in range(FIRST_SEED, FIRST_SEED + count):
            case = make(seed)
            image, truth = simulate_scan(
                case, seed, strength=ORDINARY, metal_artefacts=metal_artefacts
            )
            result = segment(image, bundle=bundle, device=device)
            yield kind, told(result, truth, scan_tissues(case, seed))


def as_table(results: Sequence[tuple[str, Told]]) -> str:
    """A line a kind, in Markdown."""
    lines = [
        "| heads | implants | with a tooth's number | of these in doubt | numbers on neither | "
        "teeth | missed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in dict.fromkeys(kind for kind, _ in results):
        mine = [outcome for name, outcome in results if name == kind]
        sums = (
            sum(getattr(outcome, name) for outcome in mine)
            for name in ("implants", "passed", "doubted", "nothing", "teeth", "missed")
        )
        lines.append(f"| {len(mine)}: {kind} | {' | '.join(map(str, sums))} |")
    return "\n".join(lines)


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    from tqdm import tqdm

    parser = side_program.parser(
        "ToothSegLib.evaluation.implant_check", "Are implants told from teeth?"
    )
    side_program.add_model(parser)
    side_program.add_cases(parser, 6, of="simulated heads of each kind")
    parser.add_argument(
        "--artefacts", action="store_true", help="with the artefacts of metal; a minute more a scan"
    )
    side_program.add_device(parser)
    args = parser.parse_args(arguments)
    choose_device(args.device)  # rather told now than after the first case
    steps = run(load_bundle(args.model), args.cases, args.device, metal_artefacts=args.artefacts)
    total = len(KINDS) * args.cases
    results = list(tqdm(steps, total=total, unit="scan", file=sys.stderr))
    print(as_table(results))


if __name__ == "__main__":
    sys.exit(main())
