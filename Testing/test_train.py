"""`toothseg train`: options to a training, its figures to the screen."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.bundles.safetensors_io import write_safetensors
from ToothSegLib.cli import train_options
from ToothSegLib.cli.main import main
from ToothSegLib.formats.scan_checksum import voxels_sha256
from ToothSegLib.models import load_bundle
from ToothSegLib.training.article_table import main as tabulate
from ToothSegLib.training.recipes import RECIPES
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture
def files(tmp_path):
    """A scan of two teeth that fits the smallest padded volume, and its labels."""
    rng = np.random.default_rng(0)
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:9, 6:14, 6:14] = 36
    labels[11:16, 7:13, 7:13] = 11
    image = (rng.normal(0, 50, labels.shape) + np.where(labels > 0, 1500, 0)).astype(np.int16)
    for name, array in (("image", image), ("labels", labels)):
        write_volume(tmp_path / f"{name}.nrrd", Volume(array, spacing=(0.5, 0.5, 0.5)))
    return str(tmp_path / "image.nrrd"), str(tmp_path / "labels.nrrd")


@pytest.fixture
def arguments(files, tmp_path):
    image, labels = files

    def build(recipe, *more, out="out"):
        base = ["train", "--recipe", recipe, "--image", image, "--labels", labels]
        return [*base, "-o", str(tmp_path / out), "--epochs", "1", "--device", "cpu", *more]

    return build


def test_the_command_knows_the_recipes():
    assert tuple(RECIPES) == train_options.ARTICLE
    assert tuple(TASKS) == train_options.SIMULATED


# What all kinds of training take.
COMMON = ("recipe", "output", "device", "seed", "learning_rate", "resume")


def options_of_train() -> list[argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    train_options.add_arguments(parser)
    return parser._actions


def foreign() -> list[tuple[str, list[str]]]:
    """Every option with each way to train that does not look at it."""
    ways = {"ships": ["--recipe", "locator"], "article": ["--recipe", "article-5"],
            "fine": ["--dataset", "set"]}  # fmt: skip
    pairs = []
    for action in options_of_train():
        for kind, way in ways.items():
            used = train_options.KINDS.get(action.dest, tuple(ways))
            if kind not in used and action.dest != "dataset":
                value = action.choices[0] if action.choices else "1"
                given = [] if action.nargs == 0 else [value]
                pairs.append((action.option_strings[0], [*way, action.option_strings[0], *given]))
    return pairs


def test_each_option_is_known_to_be_of_a_kind_of_training_and_none_when_not_given():
    options = {action.dest: action for action in options_of_train()}
    assert set(options) == {*COMMON, *train_options.KINDS}
    assert all(options[name].default is None for name in train_options.KINDS)


@pytest.mark.parametrize(("option", "words"), foreign())
def test_an_option_of_another_kind_of_training_is_refused_by_name(option, words, tmp_path, capsys):
    assert main(["train", *words, "-o", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert f"{option} does not go with {' '.join(words[:1])}" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["--dataset", "set", "--init", "my_bundle"], "learns on with --from"),
        (["--recipe", "article-1", "--steps", "0"], "give --epochs"),
        (["--recipe", "toothnet", "--epochs", "3"], "give --steps"),
        (["--recipe", "stage1", "--mixed"], "to fine-tune a bundle, so leave it out"),
        (["--dataset", "set", "--scan-share", "0"], "--simulated-share"),
    ],
)
def test_a_refusal_names_the_option_that_is_right(words, right, tmp_path, capsys):
    assert main(["train", *words, "-o", str(tmp_path)]) == 2
    assert right in capsys.readouterr().err


def test_the_card_names_no_file_but_tells_the_scan_by_its_voxels(files, arguments, tmp_path):
    image, _ = files
    named = tmp_path / "Doe_Jane_1970-01-01.nrrd"
    named.write_bytes(Path(image).read_bytes())
    words = arguments("article-6", "--max-pieces", "1")
    words[words.index("--image") + 1] = str(named)
    assert main(words) == 0
    card = (tmp_path / "out" / "bundle" / "card.json").read_text()
    assert "Doe" not in card
    assert str(tmp_path) not in card
    assert voxels_sha256(read_volume(image).array) in card


def test_a_recipe_is_trained_and_its_figures_are_told(arguments, tmp_path, capsys):
    assert main(arguments("article-6", "--max-pieces", "2", "--optimiser", "rmsprop")) == 0
    shown = capsys.readouterr().out
    assert "upper incisors" in shown
    assert "lower molars" in shown
    assert "categories, mean" in shown
    bundle = load_bundle(tmp_path / "out" / "bundle")
    bundle.verify()
    assert bundle.card["lineage"]["optimiser"] == "rmsprop"
    assert bundle.card["lineage"]["max_pieces"] == 2


def test_training_goes_on_and_starts_from_weights(arguments, tmp_path):
    assert main(arguments("article-6", "--max-pieces", "1")) == 0
    again = arguments("article-6", "--max-pieces", "1")
    assert main(again) == 2
    again[again.index("--epochs") + 1] = "2"
    assert main([*again, "--resume"]) == 0
    assert (tmp_path / "out" / "log.csv").read_text().count("stage2") == 2
    bundle = str(tmp_path / "out" / "bundle")
    assert main(arguments("article-6", "--init", bundle, "--max-pieces", "1", out="b")) == 0
    assert load_bundle(tmp_path / "b" / "bundle").card["lineage"]["started_from"] == ["stage2"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--image", "none.nrrd"], "none.nrrd does not exist"),
        (["--epochs", "0"], "epochs is at least 1"),
        (["--learning-rate", "-1"], "above 0"),
        (["--init", "nowhere"], "no bundle 'nowhere'"),
        (["--init", "nowhere.safetensors"], "cannot read"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(more, words, arguments, capsys):
    assert main(arguments("article-5", *more)) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_weights_of_other_networks_are_refused(arguments, tmp_path, capsys):
    assert main(arguments("article-6", "--max-pieces", "1")) == 0
    bundle = str(tmp_path / "out" / "bundle")
    assert main(arguments("article-5", "--init", bundle, out="b")) == 2
    assert "article-5 needs stage1" in capsys.readouterr().err
    write_safetensors(tmp_path / "w.safetensors", {})
    assert main(arguments("article-5", "--init", str(tmp_path / "w.safetensors"), out="b")) == 2
    assert "do not fit stage1" in capsys.readouterr().err


def test_a_recipe_without_a_scan_asks_for_one(tmp_path, capsys):
    assert main(["train", "--recipe", "article-1", "-o", str(tmp_path)]) == 2
    assert "--image and --labels" in capsys.readouterr().err
    assert main(["train", "--recipe", "toothnet", "-o", str(tmp_path)]) == 2
    assert "--cases" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(arguments, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ToothSegLib.training.article.train_recipe", interrupted)
    assert main(arguments("article-5")) == 130
    assert "--resume" in capsys.readouterr().err


def test_the_table_has_a_row_for_each_experiment_with_its_command(files, tmp_path, capsys):
    out = tmp_path / "article.md"
    options = ["--recipes", "article-5", "article-6", "--epochs", "1", "--max-pieces", "1"]
    places = ["-o", str(out), "--work", str(tmp_path / "runs"), "--device", "cpu"]
    assert tabulate(["--case", "blocks", *files, *options, *places]) == 0
    page = out.read_text()
    assert "| blocks | article-5: " in page
    assert "430,075" in page
    assert "`toothseg train --recipe article-6 --epochs 1 --max-pieces 1`" in page
    given = next(line for line in page.splitlines() if "article-6:" in line)
    assert "| given |" in given
    assert tabulate(["--case", "blocks", "none.nrrd", "none.nrrd", *options, *places]) == 2
    assert "does not exist" in capsys.readouterr().err
