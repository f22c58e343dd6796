"""A bundle: weights with a card that says what they are, checked before they are used.

The card's contents are in `bundles/model_card.py`; the weights are safetensors files, one a role.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ToothSegLib.architectures import count_parameters, with_weights
from ToothSegLib.bundles.model_card import CARD_NAME, FORMAT, NETWORKS, misfit, read_card
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import BundleError, OutputError
from ToothSegLib.resources import resource_path
from ToothSegLib.user_models import promotions, user_models_folder

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ToothSegLib.bundles.stored_network import StoredNetwork


SHIPPED = "shipped"
"""In the grounds of a promotion, the `Bundle.identity` of what ToothSeg brought as the default."""


@dataclass(frozen=True)
class Bundle:
    """A folder of weights whose card has been read and found to be in order."""

    name: str
    folder: Path
    card: dict[str, Any]
    networks: dict[str, Path]  # role -> weights file

    @property
    def kind(self) -> str:
        """One of `model_card.KINDS`."""
        return str(self.card["kind"])

    @property
    def magnification(self) -> float:
        """How many times as large as in life the networks that mark teeth are to see them."""
        return float(self.card.get("magnification", 1.0))

    @property
    def weights(self) -> dict[str, str]:
        """Checksum (SHA-256) of each network's file, by role."""
        return {role: entry["sha256"] for role, entry in sorted(self.card["networks"].items())}

    @property
    def identity(self) -> dict[str, str]:
        """What two bundles that find the same teeth have alike: their weights, and how they look.

        That of a bundle that does not magnify is its weights alone.
        """
        larger = self.magnification
        return self.weights | ({} if larger == 1 else {"magnification": f"{larger:g}"})

    def verify(self) -> None:
        """Compare every weights file with its checksum, and the networks with the bundle's kind.

        Raises:
            BundleError: a file is missing, unreadable or not the one the card describes, or as of
                `check_kind`, if the bundle has all networks that its kind segments with.
        """
        for role in self.networks:
            self._read(role)
        # One of the article's experiments has no locator: it segments nothing, and its networks
        # may be in two dimensions.
        if set(NETWORKS[self.kind]) <= set(self.networks):
            self.check_kind()

    def check_kind(self) -> None:
        """Whether it can segment: its networks are those of its kind, by the card alone.

        Raises:
            BundleError: one is missing, or is of another class, of other dimensions or channels, or
                too deep.
        """
        for role in NETWORKS[self.kind]:
            self._check_has(role)
            problem = misfit(self.kind, role, self.card["networks"][role]["architecture"])
            if problem:
                raise BundleError(f"{self._where(role)} {problem}")

    def build(self, role: str, device: str | torch.device = "cpu") -> nn.Module:
        """The network of a role with its weights, in float32, in evaluation mode.

        Raises:
            BundleError: the role is unknown, the file fails its checksum, or the weights do not
                fit the architecture exactly.
        """
        from ToothSegLib.bundles.safetensors_io import parse_safetensors

        data = self._read(role)
        state, _ = parse_safetensors(data, str(self.networks[role]))
        where = self._where(role)
        network = with_weights(self.card["networks"][role]["architecture"], state, where)
        self._check_size(role, count_parameters(network))
        return network.to(device).eval()

    def stored(self, role: str) -> StoredNetwork:
        """The network of a role for what computes it without PyTorch.

        Whether the weights fit the architecture is for that to find out.

        Raises:
            BundleError: the role is unknown, the file fails its checksum or is not sound, or has
                not as many weights as the card says.
        """
        from ToothSegLib.bundles.safetensors_layout import parse_arrays
        from ToothSegLib.bundles.stored_network import StoredNetwork

        weights = parse_arrays(self._read(role), str(self.networks[role]))
        entry = self.card["networks"][role]
        network = StoredNetwork(self._where(role), entry["architecture"], weights, entry["sha256"])
        self._check_size(role, network.parameters)
        return network

    def _where(self, role: str) -> str:
        return f"network {role!r} of bundle {self.name!r}"

    def _check_size(self, role: str, parameters: int) -> None:
        if parameters != self.card["networks"][role]["parameters"]:
            raise BundleError(
                f"{self._where(role)} has {parameters} parameters, its card says otherwise"
            )

    def _check_has(self, role: str) -> None:
        if role not in self.networks:
            raise BundleError(
                f"bundle {self.name!r} has no network {role!r}, only {', '.join(self.networks)}"
            )

    def _read(self, role: str) -> bytes:
        self._check_has(role)
        path = self.networks[role]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BundleError(f"cannot read {path}: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != self.card["networks"][role]["sha256"]:
            raise BundleError(
                f"{path} is not the file that its card describes (checksum differs): "
                "fetch or copy the bundle again"
            )
        return data


def models_folder() -> Path:
    """The folder of the bundles that come with ToothSeg."""
    return Path(resource_path("Models"))


def shipped_bundles() -> list[str]:
    """Names of the bundles that come with ToothSeg, sound or not, in alphabetical order."""
    return _names_in(models_folder())


def list_bundles() -> list[str]:
    """Names of those that come with ToothSeg and of the user's own, each in alphabetical order."""
    shipped = shipped_bundles()
    try:
        own = _names_in(user_models_folder())
    except BundleError:  # without a home folder nothing can have been promoted
        own = []
    return shipped + [name for name in own if name not in shipped]


def default_bundle_name() -> str:
    """The bundle that the user has promoted last, or the one that `shipped_default_name` gives.

    Raises:
        BundleError: the file that names it cannot be read.
    """
    promoted = promotions()
    return promoted[-1].name if promoted else shipped_default_name()


def shipped_default_name() -> str:
    """The name that `Resources/Models/default.txt` holds.

    Raises:
        BundleError: the file is missing or empty.
    """
    path = models_folder() / "default.txt"
    try:
        name = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise BundleError(f"no default bundle: {path} cannot be read ({error})") from error
    if not name:
        raise BundleError(f"no default bundle: {path} is empty")
    return name


def outlived_promotion() -> str:
    """In a line, that the user's default was promoted when ToothSeg brought other weights than it
    does now, which may be better; "" where it was not, an older version has not noted it, or what
    ToothSeg brings cannot be read.

    Raises:
        BundleError: the list of promotions cannot be read.
    """
    promoted = promotions()
    then = promoted[-1].grounds.get(SHIPPED) if promoted else None
    if then is None:
        return ""
    mine = promoted[-1].name
    try:
        name = shipped_default_name()
        is_of_today = name == mine or then == load_bundle(name).identity
    except BundleError:
        return ""
    if is_of_today:
        return ""
    return (
        f"{mine} was promoted against earlier weights of ToothSeg: compare it with those of today "
        f"('toothseg models compare {name} --benchmark'), and promote it again "
        f"('toothseg models promote {mine}') or go back to what was the default before it "
        "('toothseg models rollback')"
    )


def _names_in(folder: Path) -> list[str]:
    # A folder that is being written has a name with a dot before it.
    found = (path.parent.name for path in folder.glob(f"*/{CARD_NAME}"))
    return sorted(name for name in found if not name.startswith("."))


def _load(folder: Path) -> Bundle:
    card = read_card(folder / CARD_NAME)
    files = {role: folder / entry["file"] for role, entry in card["networks"].items()}
    return Bundle(name=card["name"], folder=folder, card=card, networks=files)


def load_bundle(name_or_path: str | os.PathLike[str] | None = None) -> Bundle:
    """A bundle by name, by folder, or the default one.

    Only the card is read; the weights are read, and checked, by `Bundle.build` or
    `Bundle.verify`.

    Args:
        name_or_path: the name of a bundle that comes with ToothSeg or was promoted by the user,
            or any bundle's folder.

    Raises:
        BundleError: there is no such bundle, or its card is not in order.
    """
    wanted = default_bundle_name() if name_or_path is None else os.fspath(name_or_path)
    if wanted in shipped_bundles():
        return _load(models_folder() / wanted)
    if wanted in list_bundles():
        return _load(user_models_folder() / wanted)
    if name_or_path is None and promotions():
        raise BundleError(
            f"the default bundle {wanted!r} is gone: go back to the one before it with "
            "'toothseg models rollback'"
        )
    if os.path.isdir(wanted):
        return _load(Path(wanted))
    known = ", ".join(list_bundles()) or "none"
    raise BundleError(f"no bundle {wanted!r}: it is no folder, and ToothSeg brings {known}")


def from_anywhere(name_or_path: str | os.PathLike[str] | None) -> str | None:
    """What `load_bundle` takes for the same bundle in another folder: a name as it is, a folder
    in full. For processes that run elsewhere. A known name goes before a folder of that name."""
    if name_or_path is None:
        return None
    wanted = os.fspath(name_or_path)
    is_folder = wanted not in list_bundles() and os.path.isdir(wanted)
    return os.path.abspath(wanted) if is_folder else wanted


def write_bundle(
    folder: str | os.PathLike[str],
    card: Mapping[str, Any],
    networks: Mapping[str, Mapping[str, torch.Tensor]],
    *,
    half: bool = False,
) -> Bundle:
    """Write a bundle, whole or not at all, and read it back.

    Args:
        folder: where; a bundle that is there already is replaced, anything else is refused.
        card: the card; each of its networks needs an `architecture`, the rest of the entry
            (file, checksum, parameters) and the format number are filled in.
        networks: role -> `state_dict()`.
        half: store floating-point tensors as float16, where no value overflows.

    Raises:
        BundleError: the card lacks something, or weights do not fit their architecture.
        OutputError: the folder cannot be written.
    """
    target = Path(folder)
    if target.exists() and not (target / CARD_NAME).is_file():
        raise OutputError(f"{target} exists and is no bundle: name another folder")
    entries = card.get("networks")
    if not isinstance(entries, Mapping) or set(entries) != set(networks):
        raise BundleError(f"the card does not describe the networks {', '.join(sorted(networks))}")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        part.mkdir(parents=True)
        complete = dict(card, format=FORMAT)
        complete["networks"] = {
            role: _write_network(part, role, entries[role], state, half)
            for role, state in networks.items()
        }
        text = json.dumps(complete, indent=2, ensure_ascii=False)
        # On the disk, as the weights are, before the folder has its name.
        with replacing(part / CARD_NAME) as file:
            file.write((text + "\n").encode())
        _load(part)
        _swap(part, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return _load(target)


def _write_network(
    folder: Path, role: str, entry: Any, state: Mapping[str, torch.Tensor], half: bool
) -> dict[str, Any]:
    from ToothSegLib.bundles.safetensors_io import write_safetensors

    if not role.isidentifier():  # it names the file
        raise BundleError(f"{role!r} is no name for a network: use letters, digits and _")
    if not isinstance(entry, Mapping) or not isinstance(entry.get("architecture"), Mapping):
        raise BundleError(f"the card gives no architecture for network {role!r}")
    architecture = dict(entry["architecture"])
    network = with_weights(architecture, state, f"network {role!r}")
    file = f"{role}.safetensors"
    stored = {name: _halved(tensor) if half else tensor for name, tensor in state.items()}
    write_safetensors(folder / file, stored)
    return {
        **entry,
        "file": file,
        "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
        "architecture": architecture,
        "parameters": count_parameters(network),
    }


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if bool(half.isfinite().all()) else tensor


def _swap(part: Path, target: Path) -> None:
    if not target.exists():
        os.replace(part, target)
        return
    old = target.with_name(f".{target.name}.{uuid.uuid4().hex}.old")
    os.replace(target, old)
    try:
        os.replace(part, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
