"""`python -m ToothSegLib WORDS...` is `toothseg WORDS...`; `torchrun -m ToothSegLib` needs it."""

from __future__ import annotations

from ToothSegLib.cli.main import program

if __name__ == "__main__":
    program()
