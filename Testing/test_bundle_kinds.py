"""A bundle holds the networks that its kind segments with, or is refused before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ToothSegLib import cascade
from ToothSegLib.architectures import build_network
from ToothSegLib.bundles.model_card import KINDS, NETWORKS
from ToothSegLib.cli.main import main
from ToothSegLib.errors import BundleError
from ToothSegLib.evaluation.promotion import promote
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.user_models import promotions
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume

SMALL: dict[str, dict[str, Any]] = {
    "UNet": {"n_blocks": 2, "start_filters": 2},
    "ToothNet": {"widths": [4, 4, 4, 4], "edge_width": 2},
}
UNET: dict[str, Any] = {
    "class": "UNet",
    "dim": 3,
    "in_channels": 1,
    "out_channels": 1,
    **SMALL["UNet"],
}
ODD = pytest.mark.parametrize(
    ("kind", "role", "architecture", "said"),
    [
        ("toothnet", "toothnet", UNET, "is a UNet; kind 'toothnet' needs a ToothNet"),
        ("toothnet", "locator", {**UNET, "out_channels": 2}, "has out_channels 2; kind 'toothnet'"),
        ("published-cascade", "locator", {**UNET, "dim": 2}, "has dim 2; kind 'published-cascade'"),
        ("published-cascade", "stage1", {**UNET, "out_channels": 9}, "has out_channels 9; kind"),
        ("published-cascade", "stage2", UNET, "has out_channels 1; kind .* needs 9"),
        (
            "published-cascade", "stage1", {"class": "ToothNet", **SMALL["ToothNet"]},
            "is a ToothNet; kind 'published-cascade' needs a UNet",
        ),
        ("published-cascade", "stage1", {**UNET, "in_channels": 2}, "has in_channels 2; kind"),
        ("toothnet", "locator", {**UNET, "n_blocks": 6}, "halves its image 5 times"),
        (
            "toothnet", "toothnet", {"class": "ToothNet", "widths": [4] * 5, "edge_width": 2},
            "halves its image 5 times",
        ),
    ],
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder that nobody has made yet."""
    monkeypatch.setenv("TOOTHSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def a_bundle(folder: Path, kind: str, **other: dict[str, Any]) -> Bundle:
    """Untrained networks of a kind, some of another architecture."""
    usual = {role: {**what, **SMALL[what["class"]]} for role, what in NETWORKS[kind].items()}
    return _written(folder, kind, {**usual, **other})


def _written(folder: Path, kind: str, networks: dict[str, dict[str, Any]]) -> Bundle:
    card = {
        "name": folder.name,
        "kind": kind,
        "networks": {role: {"architecture": what} for role, what in networks.items()},
    }
    states = {role: build_network(what).state_dict() for role, what in networks.items()}
    return write_bundle(folder, card, states)


def a_scan() -> Volume:
    noise = np.random.default_rng(0).normal(0, 300, (16, 16, 32)).astype(np.float32)
    return Volume(noise, (0.5,) * 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_of_its_kind_is_sound(tmp_path: Path, kind: str) -> None:
    bundle = a_bundle(tmp_path / "sound", kind)
    bundle.check_kind()
    bundle.verify()


@ODD
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_networks_of_another_kind_segment_nothing(
    tmp_path: Path, kind: str, role: str, architecture: dict, said: str, backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    bundle = a_bundle(tmp_path / "odd", kind, **{role: architecture})
    with pytest.raises(BundleError, match=f"^network '{role}' of bundle 'odd' {said}"):
        cascade.segment(a_scan(), bundle=bundle, device="cpu", backend=backend)


@ODD
def test_networks_of_another_kind_are_not_promoted(
    tmp_path: Path, home: Path, kind: str, role: str, architecture: dict, said: str
) -> None:
    bundle = a_bundle(tmp_path / "odd", kind, **{role: architecture})
    with pytest.raises(BundleError, match=said):
        bundle.verify()
    with pytest.raises(BundleError, match=said):
        promote(bundle, lambda _: [], force=True)
    assert promotions() == ()
    assert not home.exists()


def test_networks_of_another_kind_are_told_in_a_line(
    tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = str(a_bundle(tmp_path / "odd", "toothnet", toothnet=UNET).folder)
    write_volume(tmp_path / "a.nrrd", a_scan())
    for words in (
        ["models", odd],
        ["models", "promote", odd, "--force"],
        ["segment", str(tmp_path / "a.nrrd"), "--model", odd, "-o", str(tmp_path / "out")],
    ):
        assert main(words) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err == (
            "toothseg: error: network 'toothnet' of bundle 'odd' is a UNet; kind 'toothnet' needs "
            "a ToothNet\n"
        )


def test_an_experiment_of_the_article_is_intact_and_segments_nothing(tmp_path: Path) -> None:
    bundle = _written(tmp_path / "article-1", "published-cascade", {"stage1": {**UNET, "dim": 2}})
    bundle.verify()
    with pytest.raises(BundleError, match="has no network 'locator', only stage1"):
        cascade.segment(a_scan(), bundle=bundle, device="cpu")
