"""Where to compute, asked for alike by every command that computes."""

from __future__ import annotations

import argparse

from ToothSegLib.compute.devices import DEVICES


def add_device(parser: argparse.ArgumentParser, default: str) -> None:
    """Take ``--device``; ``default`` says in words what is taken without it."""
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help=f"where to compute (default: {default})",
    )
