"""Bundles: written whole, read with suspicion, built strictly."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest
import torch

from ToothSegLib import models
from ToothSegLib.architectures import count_parameters
from ToothSegLib.errors import BundleError, OutputError
from ToothSegLib.models import list_bundles, load_bundle, write_bundle
from ToothSegLib.network import UNet
from ToothSegLib.user_models import promotions

ARCHITECTURE = {
    "class": "UNet", "dim": 2, "in_channels": 1, "out_channels": 3, "n_blocks": 2,
    "start_filters": 4,
}  # fmt: skip


def options():
    return {name: value for name, value in ARCHITECTURE.items() if name != "class"}


def card(name="small"):
    return {
        "name": name,
        "title": "a small network",
        "kind": "published-cascade",
        "networks": {"stage1": {"architecture": ARCHITECTURE}},
        "licence": "Apache-2.0",
    }


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = UNet(**options())
    network(torch.randn(4, 1, 8, 8))  # moves the running means and variances
    return network.eval()


@pytest.fixture
def box(tmp_path, monkeypatch, network):
    """A models folder with two bundles, `small` the default."""
    folder = tmp_path / "Models"
    folder.mkdir()
    monkeypatch.setattr(models, "models_folder", lambda: folder)
    write_bundle(folder / "small", card(), {"stage1": network.state_dict()})
    write_bundle(folder / "other", card("other"), {"stage1": network.state_dict()})
    (folder / "default.txt").write_text("small\n")
    return folder


def edit(folder, change):
    path = folder / "card.json"
    text = json.loads(path.read_text())
    change(text)
    path.write_text(json.dumps(text))


def test_a_network_comes_back_as_it_was_and_ready_to_predict(box, network):
    bundle = load_bundle("small")
    bundle.verify()
    built = bundle.build("stage1")
    image = torch.randn(1, 1, 8, 8)
    assert not built.training
    assert torch.equal(built(image), network(image))
    assert bundle.card["networks"]["stage1"]["parameters"] == count_parameters(network)


def test_half_precision_is_smaller_and_keeps_what_would_overflow(tmp_path, network):
    state = network.state_dict()
    large = next(name for name in state if name.endswith("running_var"))
    state[large] = torch.full_like(state[large], 1e6)
    bundle = write_bundle(tmp_path / "half", card("half"), {"stage1": state}, half=True)
    built = bundle.build("stage1")
    assert torch.equal(built.state_dict()[large], state[large])
    weight = "head.weight"
    assert built.state_dict()[weight].dtype == torch.float32
    assert torch.equal(built.state_dict()[weight], state[weight].half().float())
    full = write_bundle(tmp_path / "full", card("full"), {"stage1": state})
    size = {b.name: b.networks["stage1"].stat().st_size for b in (bundle, full)}
    assert size["half"] < size["full"]


def test_bundles_are_chosen_by_default_by_name_and_by_folder(box, tmp_path):
    assert list_bundles() == ["other", "small"]
    assert load_bundle().name == "small"
    assert load_bundle("other").name == "other"
    assert load_bundle(box / "other").folder == box / "other"


def test_a_home_that_is_no_folder_promotes_nothing(monkeypatch, tmp_path):
    home = tmp_path / "null"
    home.write_bytes(b"")
    for path in (home, home / "share"):
        monkeypatch.setenv("TOOTHSEG_HOME", str(path))
        assert promotions() == ()
        assert load_bundle().name in list_bundles()


def test_a_list_of_promoted_bundles_that_cannot_be_read_says_where_to_look(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOTHSEG_HOME", str(tmp_path))
    listed = tmp_path / "Models" / "promoted.json"
    listed.mkdir(parents=True)
    with pytest.raises(BundleError, match=r"promoted\.json: [^\n]*set TOOTHSEG_HOME"):
        load_bundle()
    listed.rmdir()
    listed.write_bytes(b"\xff")
    with pytest.raises(BundleError, match=r"^cannot read [^\n]*set TOOTHSEG_HOME[^\n]*$"):
        promotions()


def test_an_unknown_name_is_answered_with_the_known_ones(box):
    with pytest.raises(BundleError, match="'none such'.*other, small"):
        load_bundle("none such")


def test_a_missing_default_is_an_error_in_words(box):
    (box / "default.txt").unlink()
    with pytest.raises(BundleError, match="no default bundle"):
        load_bundle()


def test_an_unknown_role_is_answered_with_the_known_ones(box):
    with pytest.raises(BundleError, match="no network 'stage2', only stage1"):
        load_bundle("small").build("stage2")


def test_changed_weights_are_found_before_they_are_used(box):
    bundle = load_bundle("small")
    path = bundle.networks["stage1"]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    for use in (bundle.verify, lambda: bundle.build("stage1")):
        with pytest.raises(BundleError, match="checksum"):
            use()
    path.unlink()
    with pytest.raises(BundleError, match="cannot read"):
        bundle.verify()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(format=2), "format is 2"),
        (lambda c: c.pop("name"), "no name"),
        (lambda c: c.update(kind="nnunet"), "kind is 'nnunet'"),
        (lambda c: c.update(networks={}), "no networks"),
        (lambda c: c["networks"].update(stage1=[]), "stage1"),
        (lambda c: c["networks"]["stage1"].update(file="../x.safetensors"), "no name"),
        (lambda c: c["networks"]["stage1"].update(file="/x.safetensors"), "no name"),
        (lambda c: c["networks"]["stage1"].update(file="a\\x.safetensors"), "no name"),
        (lambda c: c["networks"]["stage1"].update(file="weights.pkl"), "no name"),
        (lambda c: c["networks"]["stage1"].pop("sha256"), "checksum"),
        (lambda c: c["networks"]["stage1"].pop("architecture"), "architecture"),
    ],
)
def test_a_card_out_of_order_is_refused_in_one_line(box, change, words):
    edit(box / "small", change)
    with pytest.raises(BundleError, match=words) as caught:
        load_bundle("small")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000])
def test_a_card_that_is_no_card_is_refused(box, text):
    (box / "small" / "card.json").write_text(text)
    with pytest.raises(BundleError, match="card"):
        load_bundle("small")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"class": "system"}, "unknown class 'system'"),
        ({"class": ["UNet"]}, "unknown class"),
        ({"start_filters": 5}, "do not fit"),
        ({"dim": 7}, "cannot be built"),
        ({"hidden": 1}, "cannot be built"),
    ],
)
def test_an_architecture_that_does_not_fit_the_weights_is_refused(box, change, words):
    edit(box / "small", lambda c: c["networks"]["stage1"]["architecture"].update(change))
    with pytest.raises(BundleError, match=words) as caught:
        load_bundle("small").build("stage1")
    assert "\n" not in str(caught.value)


def test_a_wrong_number_of_parameters_is_refused(box):
    edit(box / "small", lambda c: c["networks"]["stage1"].update(parameters=1))
    with pytest.raises(BundleError, match="its card says otherwise"):
        load_bundle("small").build("stage1")


def test_a_bundle_is_replaced_whole_and_another_folder_never(box, network):
    write_bundle(box / "small", {**card(), "title": "new"}, {"stage1": network.state_dict()})
    assert load_bundle("small").card["title"] == "new"
    (box / "holiday").mkdir()
    with pytest.raises(OutputError, match="no bundle"):
        write_bundle(box / "holiday", card(), {"stage1": network.state_dict()})
    assert sorted(path.name for path in box.iterdir()) == [
        "default.txt", "holiday", "other", "small",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        ({"stage2": {"architecture": ARCHITECTURE}}, "does not describe"),
        ({"stage1": {}}, "no architecture"),
        ({"stage1": {"architecture": {**ARCHITECTURE, "out_channels": 2}}}, "do not fit"),
    ],
)
def test_a_bundle_that_could_not_be_read_back_is_not_written(tmp_path, network, networks, words):
    with pytest.raises(BundleError, match=words):
        write_bundle(
            tmp_path / "x", {**card(), "networks": networks}, {"stage1": network.state_dict()}
        )
    assert not list(tmp_path.iterdir())


def test_a_role_that_is_no_file_name_is_refused(tmp_path, network):
    bad = {**card(), "networks": {"../stage1": {"architecture": ARCHITECTURE}}}
    with pytest.raises(BundleError, match="no name for a network"):
        write_bundle(tmp_path / "x", bad, {"../stage1": network.state_dict()})


class Opens:
    """What a pickle can do to whoever reads it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("format", ["torch", "pickle", "cut", "longer"])
def test_weights_that_are_no_safetensors_are_refused_by_name_and_run_nothing(box, format, tmp_path):
    path = box / "small" / "stage1.safetensors"
    trap = tmp_path / "opened"
    if format == "torch":
        torch.save({"weight": Opens(trap)}, path)
    elif format == "pickle":
        path.write_bytes(pickle.dumps({"weight": Opens(trap)}))
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-8] if format == "cut" else data + bytes(8))
    # Whoever made the file made the card too.
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(box / "small", lambda c: c["networks"]["stage1"].update(sha256=digest))
    with pytest.raises(
        BundleError, match=r"stage1\.safetensors is not a sound safetensors"
    ) as caught:
        load_bundle("small").build("stage1")
    assert "\n" not in str(caught.value)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_blocks": 4000}, "its card asks for"),
        ({"start_filters": 10**9}, "its card asks for"),
        ({"start_filters": 4096, "n_blocks": 10}, "do not fit"),
    ],
)
def test_a_card_that_asks_for_a_giant_costs_nothing(box, change, words):
    edit(box / "small", lambda c: c["networks"]["stage1"]["architecture"].update(change))
    resource = pytest.importorskip("resource", reason="limits on memory are of Unix")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=f"small.*{words}"):
        load_bundle("small").build("stage1")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
