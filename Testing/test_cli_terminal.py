"""What others' files say is printed, and never obeyed by a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fixture import add_case, labels_of, scan
from learning_fixture import tiny_bundle
from test_dataset_lock import leave_lock
from ToothSegLib.cli import model_actions
from ToothSegLib.cli.main import main
from ToothSegLib.cli.words import escaped, plain
from ToothSegLib.dataset.folder import CaseMeta, Dataset

OWNED = "\x1b]0;owned\x07"


def _bundle(folder: Path) -> list[str]:
    """A card of which every word would."""
    bundle = tiny_bundle(
        folder / "b",
        name=f"b{OWNED}",
        title=f"a{OWNED}",
        trained_on=OWNED + "x" * 9000,
        figures={OWNED: [OWNED]},
        limits=[f"one\n{OWNED}"],
        licence=OWNED,
        created=OWNED,
    )
    return ["models", str(bundle.folder)]


def _role(folder: Path) -> list[str]:
    return _edited(folder, lambda networks: networks.update({OWNED: networks["locator"]}))


def _lost_weights(folder: Path) -> list[str]:
    file = f"{OWNED}.safetensors"
    return _edited(folder, lambda networks: networks["locator"].update(file=file))


def _edited(folder: Path, change: Callable[[dict], None]) -> list[str]:
    path = tiny_bundle(folder / "b").folder / "card.json"
    card = json.loads(path.read_text())
    change(card["networks"])
    path.write_text(json.dumps(card))
    return ["models", str(path.parent)]


def _doubtful(folder: Path) -> str:
    """A data set whose only case is of uncertain place."""
    image = scan()
    doubtful = replace(image, doubts=(f"perhaps {OWNED}",))
    with Dataset.new_if_missing(folder / "set") as dataset:
        dataset.add(doubtful, labels_of(image), CaseMeta(who="ab"))
    return str(folder / "set")


def _locked(folder: Path) -> str:
    with Dataset.new_if_missing(folder / "set") as dataset:
        case = add_case(dataset)
    leave_lock(case.folder, host="elsewhere", who=OWNED)
    return str(folder / "set")


def _import(folder: Path) -> list[str]:
    datalist = folder / "datalist.json"
    listed = {"training": [{"image": f"{OWNED}.nrrd", "label": "b.nrrd"}]}
    datalist.write_text(json.dumps(listed))
    return ["dataset", "import", str(folder / "set"), str(datalist), "--format", "monai"]


@pytest.mark.parametrize(
    "made",
    [
        _bundle,
        _role,
        _lost_weights,
        lambda folder: ["dataset", "list", _doubtful(folder)],
        lambda folder: ["dataset", "check", _doubtful(folder)],
        lambda folder: ["dataset", "unlock", _locked(folder)],
        _import,
    ],
    ids=["card", "role", "lost weights", "list", "check", "unlock", "import"],
)
def test_a_file_can_not_command_the_terminal(
    made: Callable[[Path], list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(made(tmp_path)) in (0, 2)
    out, err = capfd.readouterr()
    assert all(line.isprintable() for line in (out + err).splitlines())
    assert r"\x1b]0;owned\x07" in out + err


def test_words_are_cut_and_lists_are_not() -> None:
    words = f"  a  b\n{OWNED}" + "x" * 3000
    assert plain(words) == r"a b \x1b]0;owned\x07" + "x" * (2000 - len(f"a b {OWNED}"))
    assert escaped(words) == r"  a  b\n\x1b]0;owned\x07" + "x" * 3000


def test_names_of_cards_and_stages_are_escaped_too(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "b")
    bundle = replace(bundle, name=OWNED)
    assert model_actions._title(bundle, None) == r"\x1b]0;owned\x07 (the default)"
