"""How often the numbering is right on simulated dentitions, by kind of dentition.

python Testing/benchmarks/numbering_accuracy.py --trials 300
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2])]

from numbering_strata import STRATA, accuracy  # noqa: E402


def main() -> None:
    """Print one line a stratum: teeth right, cases without a mistake, cases mirrored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=300, help="cases a stratum")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| kind of dentition | teeth right | cases right | mirrored |\n| --- | --- | --- | --- |")
    for name, make in STRATA.items():
        teeth, cases, mirrored = accuracy(make, options.trials, options.seed)
        print(f"| {name} | {100 * teeth:.2f} % | {100 * cases:.1f} % | {mirrored} |", flush=True)


if __name__ == "__main__":
    main()
