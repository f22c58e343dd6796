"""`python -m ToothSegLib WORDS...` is `toothseg WORDS...`; `torchrun -m ToothSegLib` needs it."""

from __future__ import annotations

import sys

from ToothSegLib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
