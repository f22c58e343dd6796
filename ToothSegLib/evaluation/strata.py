"""How well a bundle does on each kind of patient and of scan.

    python -m ToothSegLib.evaluation.strata [--anatomy DIR] [--physics] [--model NAME ...]
        [--strata NAME ...]

Each stratum differs from *clean* in one thing; teeth of which it shows less than half are not asked
for. The same heads go to every bundle. With --anatomy, every second head carries that individual's
teeth in their own places; name one that no bundle was trained on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ToothSegLib import side_program
from ToothSegLib.cascade import segment
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.evaluation import disturbances
from ToothSegLib.evaluation.benchmark import CaseResult, summarise
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.scores import Rates
from ToothSegLib.evaluation.slivers import without_slivers
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.mesh_form import Individual, load_individual
from ToothSegLib.synthesis.pictures import ORDINARY
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.teeth import ALL_FDI_NUMBERS, FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH
from ToothSegLib.volume import Volume

FIRST_SEED = 930_000

_THIRDS = tuple(fdi for fdi in ALL_FDI_NUMBERS if fdi % 10 == 8)
_NOISE = 200.0  # thousandths of the enamel's grey value, more or less
_STRONG_TILT_DEG = 18.0


@dataclass(frozen=True)
class Stratum:
    """One kind of patient and of scan.

    Attributes:
        name: of the row.
        wish: draws what the patients have in common.
        tilt_deg: standard deviation of the head's tilt about each axis.
        scanner: of the physical simulation.
        disturb: what becomes of the scan afterwards, whoever made it.
        drawn: the same, only where the scan is drawn and not made by physics.
        metal_artefacts: of a drawn scan; made by physics it has them anyway.
    """

    name: str
    wish: Callable[[np.random.Generator], Wish]
    tilt_deg: float = 8.0
    scanner: str = "standard"
    disturb: disturbances.Disturbance | None = None
    drawn: disturbances.Disturbance | None = None
    metal_artefacts: bool = False


def _clean(rng: np.random.Generator) -> Wish:
    return Wish(_THIRDS, (), 0.0)


def _gaps(rng: np.random.Generator) -> Wish:
    lost = rng.choice(sorted(FDI_NUMBERS), int(rng.integers(3, 9)), replace=False)
    return Wish((*_THIRDS, *lost.tolist()), (), 0.0)


def _crowned(rng: np.random.Generator) -> Wish:
    crowned = rng.choice(sorted(FDI_NUMBERS), int(rng.integers(2, 5)), replace=False)
    return Wish(_THIRDS, tuple(crowned.tolist()), 0.0)


def _one_jaw(rng: np.random.Generator) -> Wish:
    return Wish((*_THIRDS, *(UPPER_ARCH if rng.random() < 0.5 else LOWER_ARCH)), (), 0.0)


def _thirds(rng: np.random.Generator) -> Wish:
    return Wish((), (), 0.0)


def _edentulous(rng: np.random.Generator) -> Wish:
    return Wish(ALL_FDI_NUMBERS, (), 0.4)


STRATA = (
    Stratum("clean", _clean),
    Stratum("third molars", _thirds),
    Stratum("3-8 teeth missing", _gaps),
    Stratum("2-4 metal crowns", _crowned),
    Stratum("2-4 metal crowns, artefacts", _crowned, metal_artefacts=True),
    Stratum("low dose", _clean, scanner="low-dose", drawn=disturbances.noise(_NOISE)),
    Stratum("strong tilt", _clean, tilt_deg=_STRONG_TILT_DEG),
    Stratum("field of 50 mm", _clean, disturb=disturbances.cylinder(25.0)),
    Stratum("one jaw has teeth", _one_jaw),
    Stratum("voxels of 0.8 mm", _clean, disturb=disturbances.with_voxels_of(0.8)),
    Stratum("edentulous, implants", _edentulous),
    Stratum("edentulous, implants, artefacts", _edentulous, metal_artefacts=True),
)


def scans_of(
    stratum: Stratum, individuals: Sequence[Individual], count: int, physics: bool
) -> Iterator[tuple[str, Volume, Volume, Volume]]:
    """Name, picture and labels of the stratum's cases, and the labels before anything was cut.

    Raises:
        InputError: ``physics`` without the Reconstruction Toolkit.
    """
    for n in range(count):
        seed = FIRST_SEED + n
        mesh = bool(individuals) and n % 2 == 1
        case = make_case(
            seed,
            individuals if mesh else (),
            in_place=1.0,
            real_forms=mesh,
            ordinary=True,
            wish=stratum.wish(np.random.default_rng(seed)),
        )
        image, labels = _scanned(stratum, case, seed, physics)
        whole = labels
        if stratum.disturb:
            image, labels = stratum.disturb(image, labels)
        source = individuals[0].name if mesh else "procedural"
        yield f"{stratum.name}, {seed} {source}", image, labels, whole


def _scanned(stratum: Stratum, case: Case, seed: int, physics: bool) -> tuple[Volume, Volume]:
    if physics:
        from ToothSegLib.synthesis.physics import simulate_cbct
        from ToothSegLib.synthesis.scanner import find_scanner

        scanner = find_scanner(stratum.scanner)
        return simulate_cbct(case, seed, scanner, tilt_deg=stratum.tilt_deg)
    scan = simulate_scan(
        case,
        seed,
        tilt_deg=stratum.tilt_deg,
        strength=ORDINARY,
        metal_artefacts=stratum.metal_artefacts,
    )
    return stratum.drawn(*scan) if stratum.drawn else scan


def run(
    bundles: Sequence[Bundle],
    individuals: Sequence[Individual],
    count: int,
    *,
    physics: bool = False,
    device: str = "auto",
    strata: Sequence[Stratum] = STRATA,
) -> Iterator[tuple[str, str, CaseResult]]:
    """Stratum, bundle, by its name in `names_of`, and result of every case with every bundle."""
    names = names_of(bundles)
    for stratum in strata:
        for name, image, truth, whole in scans_of(stratum, individuals, count, physics):
            for bundle, shown in zip(bundles, names):
                result = segment(image, bundle=bundle, device=device)
                evaluation = evaluate(*without_slivers(result.labels, truth, whole))
                seconds = sum(result.timings.values())
                yield stratum.name, shown, CaseResult(name, evaluation, seconds)


def names_of(bundles: Sequence[Bundle]) -> list[str]:
    """A name for each that no other has: equal ones get their place in the list and the folder."""
    names = [bundle.name for bundle in bundles]
    return [
        name if names.count(name) == 1 else f"{name} ({place}: {bundle.folder})"
        for place, (name, bundle) in enumerate(zip(names, bundles), start=1)
    ]


def as_table(results: Sequence[tuple[str, str, CaseResult]]) -> str:
    """A line for every stratum and bundle, in Markdown."""
    lines = [
        "| scans | bundle | teeth | Dice | id. F1 | ASSD mm | HD95 mm | signed mm | wrong teeth |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for stratum, bundle in dict.fromkeys((name, bundle) for name, bundle, _ in results):
        mine = [result for name, by, result in results if (name, by) == (stratum, bundle)]
        figures = summarise(mine)
        rates = Rates.of_all(result.evaluation.identification for result in mine)
        columns = [
            f"{figures['tooth_dice']:.3f}",
            f"{figures['identification_f1']:.3f}",
            f"{figures['assd_mm']:.2f}",
            f"{figures['hd95_mm']:.2f}",
            f"{figures['signed_distance_mm']:+.2f}",
        ]
        columns = [column if "nan" not in column else "-" for column in columns]
        lines.append(
            f"| {stratum} | {bundle} | {figures['teeth']} | {' | '.join(columns)} | "
            f"{rates.predicted - rates.matched} |"
        )
    return "\n".join(lines)


def by_type(results: Sequence[CaseResult]) -> str:
    """A line for every kind of tooth, both sides together, in Markdown; "-" for what none has."""
    lines = [
        "| tooth | teeth | Dice | ASSD mm | signed mm |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    scores = [score for result in results for score in result.evaluation.teeth]
    for upper in (True, False):
        for position in range(1, 8):
            mine = [s for s in scores if s.fdi % 10 == position and (s.fdi < 30) == upper]
            if mine:
                forms = {"dice": ".3f", "assd": ".2f", "signed_distance": "+.2f"}
                row = " | ".join(
                    _mean([getattr(score, name) for score in mine], form)
                    for name, form in forms.items()
                )
                lines.append(
                    f"| {'upper' if upper else 'lower'} {position} | {len(mine)} | {row} |"
                )
    return "\n".join(lines)


def _mean(values: Sequence[float], form: str) -> str:
    known = [value for value in values if not np.isnan(value)]
    return format(float(np.mean(known)), form) if known else "-"


def _quoted(names: Iterable[str]) -> str:
    """Names with commas and blanks in them, so that one sees where each ends."""
    return "; ".join(map(repr, names))


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    from tqdm import tqdm

    parser = side_program.parser(
        "ToothSegLib.evaluation.strata", "Measure bundles on kinds of patients and scans."
    )
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME|PATH",
        default=[None],
        help="bundles of weights, the same heads for each (default: the default bundle)",
    )
    side_program.add_anatomy(parser)
    parser.add_argument(
        "--strata",
        nargs="+",
        metavar="NAME",
        default=[s.name for s in STRATA],
        help=f"kinds of patients and of scans, a name each: {_quoted(s.name for s in STRATA)} "
        "(default: all)",
    )
    side_program.add_cases(parser, 4, of="simulated heads of each stratum")
    parser.add_argument(
        "--physics", action="store_true", help="scans by physical simulation instead of drawn ones"
    )
    side_program.add_device(parser)
    args = parser.parse_args(arguments)
    strata = [stratum for stratum in STRATA if stratum.name in args.strata]
    if unknown := set(args.strata) - {stratum.name for stratum in strata}:
        parser.error(f"--strata {_quoted(sorted(unknown))}: choose from those of --help")
    choose_device(args.device)  # rather told now than after the first case
    individuals = [load_individual(args.anatomy)] if args.anatomy else []
    bundles = [load_bundle(name) for name in args.model]
    total = len(strata) * args.cases * len(bundles)
    steps = run(
        bundles,
        individuals,
        args.cases,
        physics=args.physics,
        device=args.device,
        strata=strata,
    )
    results = list(tqdm(steps, total=total, unit="scan", file=sys.stderr))
    print(as_table(results))
    for shown in names_of(bundles):
        print(f"\n{shown}, all strata:\n")
        print(by_type([result for _, name, result in results if name == shown]))


if __name__ == "__main__":
    sys.exit(main())
