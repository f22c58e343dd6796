"""`toothseg dataset`: cases to learn from, on disk: add, revise, check, export, ..."""

from __future__ import annotations

import argparse
from pathlib import Path

FORMATS = ("nnunet", "monai")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own commands, each with its options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)

    def action(name: str, summary: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        made.set_defaults(parser=made)
        made.add_argument("folder", metavar="DIR", type=Path, help="folder of the data set")
        # After the action as well as before it; there they have their default.
        for flag, words in (
            ("quiet", "no progress bar, no summary"),
            ("debug", "show the traceback of an error"),
        ):
            made.add_argument(
                f"--{flag}", action="store_true", default=argparse.SUPPRESS, help=words
            )
        return made

    add = action("add", "add a scan, with its labels if there are any; makes the set if need be")
    add.add_argument(
        "scan",
        metavar="SCAN",
        help="NRRD, NIfTI, MHA, GIPL, or DICOM: a folder or a multi-frame file",
    )
    add.add_argument("--labels", metavar="FILE", help="label map of FDI numbers on the scan's grid")
    add.add_argument(
        "--report", metavar="FILE", type=Path, help="report of toothseg segment, if it made them"
    )
    add.add_argument(
        "--id", metavar="NAME", help="name of the case (default: from the scan's checksum)"
    )
    add.add_argument("--patient", metavar="NAME", help="pseudonym shared by a patient's cases")
    add.add_argument("--series", metavar="UID", help="which series of a DICOM folder to read")

    revise = action("revise", "save labels as a new revision of a case")
    revise.add_argument("case", metavar="CASE", help="name of the case (see toothseg dataset list)")
    labels = revise.add_argument(
        "labels",
        metavar="FILE",
        nargs="?",
        type=Path,
        help="label map of FDI numbers on its grid (default: the newest stay as they are)",
    )
    revise.set_defaults(last=labels)
    revise.add_argument(
        "--patient", metavar="NAME", help="pseudonym shared by a patient's cases, from now on"
    )
    revise.add_argument(
        "--from",
        dest="made_from",
        metavar="N",
        type=int,
        help="the revision that the labels were made from; refused if it is not the newest",
    )
    revise.add_argument(
        "--other-places",
        action="store_true",
        help="most teeth lie wholly where the newest revision has none, and rightly",
    )

    action("list", "list the cases, how far their review has come, and what was tidied")
    action("check", "look for everything that is inconsistent; exit code 2 if something is")

    export = action("export", "write all cases in another program's layout")
    export.add_argument("out", metavar="OUT", type=Path, help="a new folder")
    export.add_argument(
        "--reviewed",
        action="store_true",
        help="of each case the newest revision that is reviewed to the end, which may be an older "
        "one; cases without one are left out",
    )

    take = action("import", "add the cases of another program's data set")
    take.add_argument("source", metavar="IN", type=Path, help="its folder, or MONAI's data list")
    take.add_argument(
        "--keep-names", action="store_true", help="name the cases as there, not by checksums"
    )
    for command in (export, take):
        command.add_argument("--format", choices=FORMATS, required=True, help="the layout")
    for command in (add, revise):
        command.add_argument(
            "--names",
            metavar="JSON",
            type=Path,
            help="dataset.json or datalist.json that names the file's label values (default: they "
            "are FDI numbers)",
        )
        command.add_argument("--note", default="", metavar="TEXT", help="a note to keep")
    for command in (add, revise, take):
        command.add_argument(
            "--who", default="", metavar="NAME", help="who saves it (default: the login name)"
        )
        command.add_argument(
            "--approved", action="store_true", help="the labels have been reviewed"
        )
        command.add_argument(
            "--background",
            metavar="LABEL",
            action="append",
            default=[],
            help="name of a label that is no tooth, such as Crown or Bridge, although --approved "
            "takes it for a part of one; may be given more than once",
        )
        command.add_argument(
            "--accept-text",
            action="store_true",
            help="write names and notes although they may tell who the patient is",
        )

    unlock = action("unlock", "break locks that were left behind; not those of running programs")
    one = unlock.add_argument("case", metavar="CASE", nargs="?", help="one case (default: all)")
    unlock.set_defaults(last=one)


def run(args: argparse.Namespace) -> int:
    """Do one of the actions. Raises InputError, OutputError, Cancelled."""
    from ToothSegLib.cli import dataset_actions, dataset_revise
    from ToothSegLib.dataset.refusals import Suspicious
    from ToothSegLib.errors import InputError

    actions = {
        "add": dataset_actions.add,
        "revise": dataset_revise.revise,
        "list": dataset_actions.show,
        "check": dataset_actions.check,
        "export": dataset_actions.export,
        "import": dataset_actions.take_in,
        "unlock": dataset_actions.unlock,
    }
    try:
        return actions[args.action](args)
    except Suspicious as error:
        raise InputError(f"{error} with --accept-text") from error
