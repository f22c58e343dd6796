"""The command line: one file a command, `main.py` the door.

A command is a module of this package whose name is the command's. It defines

    def add_arguments(parser: argparse.ArgumentParser) -> None:   # its own options
    def run(args: argparse.Namespace) -> int:                     # does it, gives the exit code

and one row in `COMMANDS`. `main.py` imports the module only when its command is called, so that
`toothseg --help` answers at once; a module keeps torch, vtk and SimpleITK out of its file scope,
so that `toothseg segment --help` does too.

A command raises `ToothSegError` (or a child of it) for what the user can mend and lets `Cancelled`
and `KeyboardInterrupt` through: `main.py` prints the one line and gives the exit code. One that has
written something by then gives `console.told_how_to_go_on()` instead. Every
command has `args.debug` (show tracebacks) and `args.quiet` (no progress, no summary) from
`main.py`. One whose last words may be left out names them, `set_defaults(last=...)`, lest they be
lost behind an option. `console.py` holds the progress bar and Ctrl-C:

    with console.working(quiet=args.quiet) as (progress, cancelled):
        cascade.segment(volume, progress=progress, cancelled=cancelled)

Results go to stdout, progress and errors to stderr.
"""

from __future__ import annotations

# command: its one line in `toothseg --help`
COMMANDS: dict[str, str] = {
    "segment": "find, number and measure the teeth of one scan",
    "batch": "segment every scan of a folder, and go on where it stopped",
    "rank": "which results of a batch to correct and learn from next",
    "evaluate": "compare a label map of teeth with the truth",
    "simulate": "write simulated cases to learn from or to measure on",
    "train": "train a network from a recipe, or a bundle on reviewed scans",
    "dataset": "keep cases to learn from: add, revise, check, export, import",
    "models": "list the model bundles, compare two, promote one to be the default, roll back",
    "doctor": "check this installation, in plain words",
}
