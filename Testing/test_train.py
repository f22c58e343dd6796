"""`toothseg train`: options to a training, its figures to the screen."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.cli import train
from ToothSegLib.cli.main import main
from ToothSegLib.models import load_bundle
from ToothSegLib.safetensors_io import write_safetensors
from ToothSegLib.training.article_table import main as tabulate
from ToothSegLib.training.recipes import RECIPES
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


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
    assert tuple(RECIPES) == train.ARTICLE
    assert tuple(TASKS) == train.SIMULATED


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
