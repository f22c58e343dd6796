"""Training: it learns, it goes on as if never stopped, it says what is wrong."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from ToothSegLib.bundles.safetensors_io import write_safetensors
from ToothSegLib.errors import BundleError, InputError, OutputError
from ToothSegLib.models import load_bundle
from ToothSegLib.training import stage_trainer, turned_scan
from ToothSegLib.training.article import train_recipe
from ToothSegLib.training.recipes import RECIPES

# The recipes with networks of a few hundred parameters and a larger step: seconds, not hours.
TINY = {
    name: replace(
        recipe,
        learning_rate=0.02,
        stages=tuple(
            replace(stage, shape=(*stage.shape[:3], 2, 4), batch_size=min(stage.batch_size, 4))
            for stage in recipe.stages
        ),
    )
    for name, recipe in RECIPES.items()
}


@pytest.fixture(autouse=True)
def small_and_few(monkeypatch):
    """Pad to 8 instead of 24 and turn twice instead of nine times; compute on one thread."""
    real = turned_scan.turned_scans
    monkeypatch.setattr(
        "ToothSegLib.training.article.turned_scans",
        lambda image, labels: real(image, labels, turns=2, multiple=8),
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def scan():
    """Two bright blocks for teeth, an incisor above a molar, in dark noise."""
    rng = np.random.default_rng(0)
    labels = np.zeros((8, 16, 16), np.uint8)
    labels[4:7, 5:11, 5:11] = 11
    labels[1:4, 4:12, 4:12] = 36
    image = rng.normal(0, 100, labels.shape) + np.where(labels > 0, 1500, 0)
    return image.astype(np.float32), labels


def weights(result):
    return {
        (role, name): tensor
        for role in result.bundle.networks
        for name, tensor in result.bundle.build(role).state_dict().items()
    }


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("name", list(TINY))
def test_every_recipe_runs_and_leaves_a_bundle_a_log_and_figures(name, scan, tmp_path):
    seen = []
    result = train_recipe(
        TINY[name],
        *scan,
        tmp_path / "out",
        epochs=1,
        max_pieces=2,
        device="cpu",
        progress=seen.append,
    )
    roles = [stage.role for stage in TINY[name].stages]
    bundle = load_bundle(tmp_path / "out" / "bundle")
    bundle.verify()
    assert bundle.name == name
    assert list(bundle.networks) == list(result.figures) == roles
    assert bundle.card["figures"]["measured_on"] == "the same scan turned by 40 degrees"
    assert bundle.card["figures"][roles[-1]] == result.figures[roles[-1]]
    with open(result.log, newline="") as file:
        assert [row["network"] for row in csv.DictReader(file)] == roles
    assert [step.role for step in seen if step.done == step.total] == roles
    assert all(0 <= step.loss <= 1 for step in seen)


def test_a_cascade_learns_teeth_and_then_their_categories(scan, tmp_path):
    recipe = replace(
        TINY["article-7"],
        stages=(TINY["article-7"].stages[0], replace(TINY["article-7"].stages[1], mask="found")),
    )
    result = train_recipe(recipe, *scan, tmp_path, epochs=25, device="cpu")
    # Processors round differently; on one without bfloat16 it is just below 0.90.
    assert result.figures["stage1"]["tooth_dice"] > 0.85
    figures = result.figures["stage2"]
    assert set(figures["categories"]) == {"upper incisors", "lower molars"}
    assert figures["category_dice"] > 0.8


def test_stage_2_alone_is_told_the_true_teeth(scan, tmp_path):
    result = train_recipe(TINY["article-6"], *scan, tmp_path, epochs=25, device="cpu")
    assert result.figures["stage2"]["category_dice"] > 0.8


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_a_resumed_training_ends_where_an_unbroken_one_does(optimiser, scan, tmp_path):
    recipe = replace(TINY["article-7"], optimiser=optimiser)
    options = {"device": "cpu", "seed": 3, "checkpoint_every": 2, "max_pieces": 2}
    unbroken = train_recipe(recipe, *scan, tmp_path / "a", epochs=4, **options)

    class PowerCut(Exception):
        pass

    def cut(step):
        if (step.role, step.epoch) == ("stage2", 4):
            raise PowerCut

    with pytest.raises(PowerCut):  # after the checkpoint of epoch 2 of the second network
        train_recipe(recipe, *scan, tmp_path / "b", epochs=4, progress=cut, **options)
    assert not (tmp_path / "b" / "bundle").exists()
    epochs = []
    resumed = train_recipe(
        recipe,
        *scan,
        tmp_path / "b",
        epochs=4,
        resume=True,
        progress=lambda step: epochs.append((step.role, step.epoch)),
        **options,
    )
    assert set(epochs) == {("stage2", 3), ("stage2", 4)}
    assert equal(weights(unbroken), weights(resumed))
    assert unbroken.figures == resumed.figures

    def losses(result):
        with open(result.log, newline="") as file:
            return [row["loss"] for row in csv.DictReader(file)]

    assert losses(unbroken) == losses(resumed)


def test_seeds_decide_the_result(scan, tmp_path):
    def run(folder, seed):
        result = train_recipe(
            TINY["article-5"], *scan, tmp_path / folder, epochs=1, device="cpu", seed=seed
        )
        return weights(result)

    first = run("a", 1)
    assert equal(first, run("b", 1))
    assert not equal(first, run("c", 2))


def test_training_leaves_the_random_numbers_of_others_alone(scan, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_recipe(TINY["article-5"], *scan, tmp_path, epochs=1, device="cpu")
    assert torch.equal(torch.rand(3), expected)


def test_given_weights_are_where_training_starts(scan, tmp_path):
    recipe = replace(TINY["article-5"], learning_rate=1e-12)
    first = train_recipe(recipe, *scan, tmp_path / "a", epochs=1, device="cpu", seed=1)
    state = first.bundle.build("stage1").state_dict()
    second = train_recipe(
        recipe,
        *scan,
        tmp_path / "b",
        epochs=1,
        device="cpu",
        seed=2,
        init_weights={"stage1": state},
    )
    learned = second.bundle.build("stage1").state_dict()
    assert all(torch.equal(state[name], learned[name]) for name in state if "weight" in name)
    assert second.bundle.card["lineage"]["started_from"] == ["stage1"]


def test_given_weights_that_do_not_fit_are_refused(scan, tmp_path):
    with pytest.raises(BundleError, match="do not fit stage1") as caught:
        train_recipe(TINY["article-5"], *scan, tmp_path, device="cpu", init_weights={"stage1": {}})
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no network 'stage9'"):
        train_recipe(TINY["article-5"], *scan, tmp_path, device="cpu", init_weights={"stage9": {}})


def test_an_earlier_training_is_not_overwritten_by_chance(scan, tmp_path):
    train_recipe(TINY["article-5"], *scan, tmp_path, epochs=1, device="cpu")
    with pytest.raises(InputError, match="resume it, or name another folder"):
        train_recipe(TINY["article-5"], *scan, tmp_path, epochs=1, device="cpu")


@pytest.mark.parametrize("resume", [False, True], ids=["anew", "resumed"])
@pytest.mark.parametrize(
    ("first", "second"), [("article-5", "article-6"), ("article-6", "article-5"),
                          ("article-5", "article-7"), ("article-7", "article-6")],
)  # fmt: skip
def test_one_experiment_does_not_replace_another(first, second, resume, scan, tmp_path):
    options = {"epochs": 1, "device": "cpu", "max_pieces": 1}
    made = train_recipe(TINY[first], *scan, tmp_path, **options)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="another|earlier training|resume with the same"):
        train_recipe(TINY[second], *scan, tmp_path, resume=resume, **options)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    again = train_recipe(TINY[first], *scan, tmp_path, resume=True, **options)
    assert equal(weights(made), weights(again))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("bundle/card.json", "holds the bundle of another training: name another folder"),
        ("checkpoint.safetensors", "is of another training: name another folder"),
        ("toothnet.checkpoint.safetensors", "is of another training: name another folder"),
    ],
)
def test_a_folder_of_another_kind_of_training_is_refused(there, words, scan, tmp_path):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("{}")
    for resume in (False, True):
        with pytest.raises(InputError, match=words):
            train_recipe(TINY["article-7"], *scan, tmp_path, device="cpu", resume=resume)
    assert (tmp_path / there).read_text() == "{}"


def test_a_checkpoint_of_a_bundle_that_learns_on_is_not_resumed(scan, tmp_path):
    path = tmp_path / "stage1.checkpoint.safetensors"
    write_safetensors(path, {"weights/a": torch.ones(1)}, {"state": '{"losses": []}'})
    with pytest.raises(InputError, match="stage1.checkpoint.safetensors is of another training"):
        train_recipe(TINY["article-5"], *scan, tmp_path, device="cpu", resume=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 9}, "with seed 0, not 9"),
        ({"max_pieces": 1}, "with max_pieces None, not 1"),
        ({"trained_on": "another scan"}, "with scan one labelled scan, not another scan"),
        ({"epochs": 1}, "2 epochs behind it already"),
        ({"labels": 47}, "with labels [0-9a-f]{12}, not [0-9a-f]{12}: resume with the same"),
        ({"init": True}, "with init none, not [0-9a-f]{12}: resume with the same"),
        ({"recipe": replace(TINY["article-5"], optimiser="rmsprop")}, "optimiser adam"),
    ],
)
def test_a_checkpoint_of_another_training_is_not_resumed(change, words, scan, tmp_path):
    train_recipe(TINY["article-5"], *scan, tmp_path, epochs=2, device="cpu")
    options = {"recipe": TINY["article-5"], "epochs": 3, **change}
    recipe, (image, labels) = options.pop("recipe"), scan
    if "labels" in options:
        labels = np.where(labels == 36, options.pop("labels"), labels)
    if options.pop("init", False):
        bundle = load_bundle(tmp_path / "bundle")
        options["init_weights"] = {"stage1": bundle.build("stage1").state_dict()}
    before = (tmp_path / "stage1.checkpoint.safetensors").read_bytes()
    with pytest.raises(InputError, match=words):
        train_recipe(recipe, image, labels, tmp_path, device="cpu", resume=True, **options)
    assert (tmp_path / "stage1.checkpoint.safetensors").read_bytes() == before


def test_a_cascade_does_not_go_on_with_what_a_shorter_first_stage_had_found(scan, tmp_path):
    recipe, options = TINY["article-7"], {"device": "cpu", "max_pieces": 2}
    train_recipe(recipe, *scan, tmp_path, epochs=1, **options)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    with pytest.raises(InputError, match="epochs_of_the_network_before 1, not 2"):
        train_recipe(recipe, *scan, tmp_path, epochs=2, resume=True, **options)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before


def test_a_training_that_began_with_given_weights_goes_on_with_them(scan, tmp_path):
    recipe, options = TINY["article-5"], {"device": "cpu", "max_pieces": 2}
    first = train_recipe(recipe, *scan, tmp_path / "a", epochs=1, seed=1, **options)
    given = {"stage1": first.bundle.build("stage1").state_dict()}
    unbroken = train_recipe(recipe, *scan, tmp_path / "b", epochs=2, init_weights=given, **options)
    train_recipe(recipe, *scan, tmp_path / "c", epochs=1, init_weights=given, **options)
    resumed = train_recipe(
        recipe, *scan, tmp_path / "c", epochs=2, init_weights=given, resume=True, **options
    )
    assert equal(weights(unbroken), weights(resumed))
    assert resumed.bundle.card["lineage"]["started_from"] == ["stage1"]
    with pytest.raises(InputError, match="with init [0-9a-f]{12}, not none"):
        train_recipe(recipe, *scan, tmp_path / "c", epochs=3, resume=True, **options)


def test_a_damaged_checkpoint_is_an_error_in_words(scan, tmp_path):
    train_recipe(TINY["article-5"], *scan, tmp_path, epochs=1, device="cpu")
    path = tmp_path / "stage1.checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(BundleError, match="not a sound safetensors file"):
        train_recipe(TINY["article-5"], *scan, tmp_path, epochs=2, device="cpu", resume=True)


def test_weights_alone_are_no_checkpoint(scan, tmp_path):
    write_safetensors(tmp_path / "stage1.checkpoint.safetensors", {"a": torch.ones(1)})
    with pytest.raises(BundleError, match="no checkpoint of a training"):
        train_recipe(TINY["article-5"], *scan, tmp_path, device="cpu", resume=True)


def test_a_training_that_runs_away_stops_with_advice(scan, tmp_path, monkeypatch):
    monkeypatch.setattr(stage_trainer, "binary_dice_loss", lambda logits, _: logits.sum() * np.nan)
    told = "the loss of stage1 is no number any more in step 1: lower the learning rate"
    with pytest.raises(InputError, match=told):
        train_recipe(TINY["article-5"], *scan, tmp_path, epochs=1, device="cpu")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs is at least 1"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed 4294967296: give 0 to 4294967295"),
        ({"max_pieces": 0}, "max_pieces is at least 1"),
        ({"checkpoint_every": 0}, "checkpoint_every is at least 1"),
    ],
)
def test_options_out_of_range_are_refused(options, words, scan, tmp_path):
    with pytest.raises(InputError, match=words):
        train_recipe(TINY["article-5"], *scan, tmp_path, device="cpu", **options)


def test_an_output_folder_that_is_a_file_is_refused(scan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        train_recipe(TINY["article-5"], *scan, tmp_path / "file", device="cpu")
