"""The software bill of materials: what an environment runs ToothSeg with, as CycloneDX 1.6 JSON.

    python docs/make_sbom.py [-o sbom.json] [--extras openvino dask]

Read from the metadata of what is installed here, from ToothSeg on along what packages require;
weights and samples are listed with their checksums and licences. The same environment gives the
same file, so two of them can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DATA = {
    "Resources/Samples": "Apache-2.0",  # simulated by this project
}


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="CycloneDX of this environment.")
    parser.add_argument("-o", "--output", help="file to write; printed without it")
    parser.add_argument("--extras", nargs="*", default=[], help="extras of ToothSeg to follow too")
    args = parser.parse_args()
    text = json.dumps(bill_of_materials(args.extras), indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        print(text, end="")
    else:
        Path(args.output).write_text(text, encoding="utf-8")


def bill_of_materials(extras: list[str]) -> dict[str, Any]:
    """The whole document."""
    from ToothSegLib import __version__

    found, edges = closure("toothseg", extras)
    toothseg = {
        "type": "application",
        "bom-ref": "toothseg",
        "name": "toothseg",
        "version": __version__,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    packages = [component(dist) for name, dist in sorted(found.items()) if name != "toothseg"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": toothseg},
        "components": [*packages, *weights(), *samples()],
        "dependencies": [
            {"ref": ref(found[name]), "dependsOn": sorted(ref(found[other]) for other in others)}
            for name, others in sorted(edges.items())
        ],
    }


def closure(name: str, extras: list[str]) -> tuple[dict[str, Distribution], dict[str, set[str]]]:
    """What a distribution requires, directly or not, as far as it is installed; and who whom."""
    found = {normal(name): distribution(name)}
    edges: dict[str, set[str]] = {}
    waiting = [(normal(name), set(extras))]
    while waiting:
        current, wanted = waiting.pop()
        others = edges.setdefault(current, set())
        for text in found[current].requires or []:
            need = Requirement(text)
            environments = [{"extra": extra} for extra in ("", *wanted)]
            if need.marker and not any(need.marker.evaluate(env) for env in environments):
                continue
            other = normal(need.name)
            if other not in found:
                try:
                    found[other] = distribution(need.name)
                except PackageNotFoundError:
                    continue  # an extra's, and not here
                waiting.append((other, need.extras))
            others.add(other)
    return found, edges


def normal(name: str) -> str:
    """A package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def ref(dist: Distribution) -> str:
    """What the document calls a distribution: its package URL."""
    name = normal(dist.metadata["Name"])
    return "toothseg" if name == "toothseg" else f"pkg:pypi/{name}@{dist.version}"


def component(dist: Distribution) -> dict[str, Any]:
    """One installed package; the checksum is that of its RECORD, the list of all its files' own."""
    record = dist.read_text("RECORD") or ""
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": ref(dist),
        "purl": ref(dist),
        "name": normal(dist.metadata["Name"]),
        "version": dist.version,
        "licenses": [licence(dist)],
    }
    if record:
        digest = hashlib.sha256(record.encode()).hexdigest()
        entry["properties"] = [{"name": "toothseg:sha256-of-RECORD", "value": digest}]
    return entry


def licence(dist: Distribution) -> dict[str, Any]:
    """As the package's metadata say, by expression, classifier or name."""
    expression = dist.metadata.get("License-Expression")
    if expression:
        return {"expression": expression}
    classifiers = dist.metadata.get_all("Classifier") or []
    named = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License ::")]
    first = (dist.metadata.get("License") or "").strip().split("\n")[0][:100]
    return {"license": {"name": ", ".join(named) or first or "not stated"}}


def weights() -> list[dict[str, Any]]:
    """Every network of every bundle that is shipped."""
    from ToothSegLib.models import load_bundle, models_folder, shipped_bundles

    entries = []
    for name in shipped_bundles():
        bundle = load_bundle(models_folder() / name)
        for role, digest in bundle.weights.items():
            entries.append(
                file_entry(
                    f"{name}/{role}", digest, bundle.card["licence"], "machine-learning-model"
                )
            )
    return entries


def samples() -> list[dict[str, Any]]:
    """Every other file of data in the repository."""
    return [
        file_entry(
            path.relative_to(ROOT).as_posix(),
            hashlib.sha256(path.read_bytes()).hexdigest(),
            licence_of_data,
            "data",
        )
        for folder, licence_of_data in DATA.items()
        for path in sorted((ROOT / folder).iterdir())
    ]


def file_entry(name: str, digest: str, licence_id: str, kind: str) -> dict[str, Any]:
    """A component that is a file."""
    return {
        "type": kind,
        "bom-ref": name,
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"license": {"id": licence_id}}],
    }


if __name__ == "__main__":
    main()
