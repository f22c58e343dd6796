"""`toothseg segment`: from a scan to numbered teeth."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ToothSegLib.cli.device_option import add_device

if TYPE_CHECKING:
    from ToothSegLib.report import Segmentation

# Sides as in a dental chart: the patient's right on the left.
_CHART = (
    ("upper", (17, 16, 15, 14, 13, 12, 11), (21, 22, 23, 24, 25, 26, 27)),
    ("lower", (47, 46, 45, 44, 43, 42, 41), (31, 32, 33, 34, 35, 36, 37)),
)

# The rest is in the report; a screen has about 24 lines.
_MOST_FINDINGS = 8
_BEFORE_ALL = ("not-a-head-scan", "no-teeth", "place-unsure")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "input",
        metavar="INPUT",
        help="a scan: NRRD, NIfTI, MHA, GIPL, or DICOM: a folder or a multi-frame file",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUTDIR",
        required=True,
        help="folder for the results, made if it is not there; replaces an earlier result of the "
        "same scan, but stops if that was corrected since (see --overwrite)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace whatever has the names of the results: corrections by hand, and files that "
        "ToothSeg did not make",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="bundle of weights (default: the one that toothseg models marks as default)",
    )
    add_device(parser, "the fastest there is")
    parser.add_argument(
        "--precision",
        choices=("auto", "full"),
        default="auto",
        help="half precision where it pays, or 32 bit throughout (default: auto)",
    )
    parser.add_argument(
        "--backend",
        choices=("auto", "torch", "openvino"),
        default="auto",
        help="what computes (default: OpenVINO on a processor if it is installed, else PyTorch)",
    )
    parser.add_argument("--no-stl", action="store_true", help="write no surfaces")
    parser.add_argument("--no-picture", action="store_true", help="draw no picture")
    parser.add_argument(
        "--slices", action="store_true", help="draw slices of the scan with the teeth outlined too"
    )
    parser.add_argument("--series", metavar="UID", help="which series of a DICOM folder to read")


def run(args: argparse.Namespace) -> int:
    """Segment one scan. Raises InputError, BundleError, OutputError, Cancelled."""
    from ToothSegLib.compute.loading import leave_at_once, loading
    from ToothSegLib.machine.capacity import check_memory_limit

    check_memory_limit()  # before the large libraries are loaded
    with loading():
        from ToothSegLib.cli.console import working
        from ToothSegLib.disk.file_names import output_stem
        from ToothSegLib.disk.output_folder import check_folder
        from ToothSegLib.models import load_bundle
        from ToothSegLib.results.replaceable import check_places
        from ToothSegLib.segment_file import segment_file
    leave_at_once()

    start = time.perf_counter()
    # What can be known beforehand is looked at before the work.
    wanted = {"stl": not args.no_stl, "picture": not args.no_picture, "slices": args.slices}
    check_folder(args.output)
    check_places(Path(args.output), output_stem(args.input), **wanted)
    bundle = load_bundle(args.model)
    with working(quiet=args.quiet) as (progress, cancelled):
        segmentation, paths = segment_file(
            args.input,
            args.output,
            bundle=bundle,
            device=args.device,
            precision=args.precision,
            backend=args.backend,
            series=args.series,
            **wanted,
            overwrite=args.overwrite,
            progress=progress,
            cancelled=cancelled,
        )
    if not args.quiet:
        print(summary(segmentation, paths, time.perf_counter() - start))
    return 0


def summary(segmentation: Segmentation, paths: list[Path], seconds: float) -> str:
    """One screen: a chart of the teeth, what to look at, and where the files are."""
    from ToothSegLib.cli.words import escaped
    from ToothSegLib.report import by_urgency

    found = {tooth.fdi for tooth in segmentation.teeth}
    # Whether this is a scan of teeth at all, and which way round, comes before whatever was made
    # of it.
    first = [f for f in segmentation.findings if f.code in _BEFORE_ALL]
    lines = [line for finding in first for line in (finding.message, "")]
    lines += [f"{len(found)} of 28 teeth in {seconds:.1f} s", ""]
    for jaw, right, left in _CHART:
        halves = (
            " ".join(str(fdi) if fdi in found else "--" for fdi in side) for side in (right, left)
        )
        lines.append(f"  {jaw} right  {'  |  '.join(halves)}  {jaw} left")
    lines.append("")
    findings = by_urgency([f for f in segmentation.findings if f not in first])
    shown = findings[:_MOST_FINDINGS]
    # The finding says more: between which teeth. It leaves out what another finding names.
    told = {fdi for f in shown if f.code == "missing-teeth" for fdi in f.fdi}
    if not told.issuperset(segmentation.missing):
        lines.append(f"Not found: {', '.join(map(str, segmentation.missing))}")
    lines += [f"{finding.urgency:<7}{finding.message}" for finding in shown]
    if len(findings) > _MOST_FINDINGS:
        lines.append(f"and {len(findings) - _MOST_FINDINGS} less urgent ones in the report")
    if segmentation.missing or segmentation.findings:
        lines.append("")
    surfaces = [path for path in paths if path.suffix == ".stl"]
    lines += [str(path) for path in paths if path.suffix != ".stl"]
    if surfaces:
        where = surfaces[0].parent
        others = "" if where.name == "stl" else "; another scan's are in stl"
        lines.append(f"{where} ({len(surfaces)} surfaces{others})")
    # Files are named by whoever made the scan.
    return "\n".join(escaped(line) for line in lines)
