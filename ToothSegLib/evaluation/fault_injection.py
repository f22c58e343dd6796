"""How many faults the findings tell, and how many false alarms they raise.

    python -m ToothSegLib.evaluation.fault_injection [--cases 20] [--seed 920000]

Every fault is put, one at a time, into good segmentations of simulated dentitions. A fault is
*pointed at* when a finding that the good segmentation did not have names a tooth concerned, and
*named* when such a finding also calls the fault what it is. The dentitions come from seeds that
the findings' thresholds were not chosen on.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ToothSegLib import side_program
from ToothSegLib.evaluation.faults import RARE_MOUTHS, SEGMENTATION_FAULTS, Kind, Spoilt
from ToothSegLib.evaluation.reliability import Judged, as_text, reliability_curve
from ToothSegLib.evaluation.scan_faults import SCAN_FAULTS
from ToothSegLib.evaluation.specimen import Specimen, good_specimen
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.doubts import DOUBTFUL_NUMBER, UNSURE_NUMBER
from ToothSegLib.report import Finding

# What is drawn for a kind goes by its place, so new ones come last.
KINDS = (*SEGMENTATION_FAULTS, *SCAN_FAULTS, *RARE_MOUTHS)
# Thresholds were chosen on seeds from 921,000 and from 960,000 on.
FIRST_SEED = 920_000
# Of confidence: those at which the findings doubt a number, and more of them where most teeth are.
_EDGES = (0.0, 0.5, UNSURE_NUMBER, DOUBTFUL_NUMBER, 0.95, 1.0)


@dataclass
class Tally:
    """What became of one kind of fault."""

    injected: int = 0
    pointed_at: int = 0
    named: int = 0
    alarms: int = 0
    """New findings about none of the teeth concerned."""

    def add(
        self,
        kind: Kind,
        good: Specimen,
        spoilt: Spoilt,
        numbering: Numbering,
        before: Sequence[Finding],
        after: Sequence[Finding],
    ) -> None:
        """Count one fault, by the findings before and after it."""
        numbers = {n for label in spoilt.labels if (n := numbering.numbers.get(label))}
        teeth = spoilt.labels | numbers
        new = [finding for finding in after if _is_new(finding, before)]
        near = [
            finding
            for finding in new
            if not teeth or teeth & set(finding.fdi) or self._tells(finding, kind)
        ]
        self.injected += 1
        self.pointed_at += bool(near)
        self.named += any(finding.code in kind.codes for finding in near)
        self.alarms += sum(
            finding not in near
            and not is_so(finding, good)
            and not (teeth | spoilt.also) & set(finding.fdi)
            for finding in new
        )

    @staticmethod
    def _tells(finding: Finding, kind: Kind) -> bool:
        """Whether a finding that names no tooth at all calls the fault by its name."""
        return not finding.fdi and finding.code in kind.codes


@dataclass
class Outcome:
    """Of all dentitions together.

    Attributes:
        cases: good dentitions.
        kinds: name of each kind of fault -> what became of it.
        true, false: findings of the good dentitions by code: what is so, and false alarms.
        numbers: of each region that no fault touched.
    """

    cases: int = 0
    kinds: dict[str, Tally] = field(default_factory=dict)
    true: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    numbers: list[Judged] = field(default_factory=list)


def inject(specimens: Iterable[Specimen]) -> Outcome:
    """Put each kind of fault once into each good segmentation."""
    outcome = Outcome(kinds={kind.name: Tally() for kind in KINDS})
    for good in specimens:
        outcome.cases += 1
        numbering, before = good.result()
        for finding in before:
            (outcome.true if is_so(finding, good) else outcome.false)[finding.code] += 1
        outcome.numbers += _judged(numbering, set())
        for place, kind in enumerate(KINDS):
            spoilt = kind.make(good, np.random.default_rng([good.seed, place]))
            if spoilt is None:
                continue
            numbering, after = spoilt.specimen.result()
            if not spoilt.specimen.given:
                outcome.numbers += _judged(numbering, spoilt.labels | spoilt.also)
            outcome.kinds[kind.name].add(kind, good, spoilt, numbering, before, after)
    return outcome


def is_so(finding: Finding, good: Specimen) -> bool:
    """Whether what a finding says is the truth and no fault of the segmentation."""
    seen = set(np.unique(good.regions).tolist())
    if finding.code == "missing-teeth":
        return not seen & set(finding.fdi)
    return finding.code == "third-molar" and set(finding.fdi) <= seen


def _is_new(finding: Finding, before: Sequence[Finding]) -> bool:
    """Whether a finding says something, or says it of a tooth, that none did before."""
    same = [other for other in before if other.code == finding.code]
    return not same or not set(finding.fdi) <= {fdi for other in same for fdi in other.fdi}


def _judged(numbering: Numbering, spoilt: Collection[int]) -> Iterator[Judged]:
    for label, sure in numbering.confidence.items():
        if label < 49 and label not in spoilt:
            given = numbering.numbers[label] or numbering.third_molars.get(label)
            yield Judged(sure, given == label)


def table(outcome: Outcome) -> str:
    """The figures as Markdown."""
    lines = [
        "| fault | injected | pointed at | named | new findings elsewhere |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, tally in outcome.kinds.items():
        lines.append(
            f"| {name} | {tally.injected} | {tally.pointed_at} | {tally.named} | {tally.alarms} |"
        )
    cases = max(outcome.cases, 1)
    true, false = outcome.true.total() / cases, outcome.false.total() / cases
    lines += [
        "",
        f"{outcome.cases} good dentitions: {true + false:.2f} findings each, {true:.2f} of them "
        f"true ({_listed(outcome.true)}), {false:.2f} false alarms ({_listed(outcome.false)}).",
        "",
        "Numbers of the teeth that no fault touched:",
        "",
        as_text(reliability_curve(outcome.numbers, _EDGES)),
    ]
    return "\n".join(lines)


def _listed(codes: Counter[str]) -> str:
    return ", ".join(f"{code} {count}" for code, count in codes.most_common()) or "none"


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; 0, or 2 for a count that makes no sense."""
    parser = side_program.parser(
        "ToothSegLib.evaluation.fault_injection",
        "How many faults the findings tell, and how many false alarms they raise.",
    )
    side_program.add_cases(parser, 20, of="dentitions")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first dentition")
    options = parser.parse_args(arguments)
    from tqdm import tqdm

    seeds = range(options.seed, options.seed + options.cases)
    steps = tqdm(seeds, unit="dentition", file=sys.stderr, leave=False)
    print(table(inject(good_specimen(seed) for seed in steps)))


if __name__ == "__main__":
    sys.exit(main())
