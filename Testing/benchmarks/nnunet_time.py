"""ToothSeg beside nnU-Net v2, both on one thread of the same processor, on the same scan.

    python -m venv nnunet-venv && nnunet-venv/bin/pip install nnunetv2
    python Testing/benchmarks/nnunet_time.py --nnunet nnunet-venv/bin/python

nnU-Net's own predictor runs its standard 3d_fullres network as dental tools have it: patches of
128 x 128 x 128 voxels, step 0.5, six stages of 32 to 320 channels, 28 teeth and background, random
weights (time does not ask what they are), with and without mirroring. A whole scan would take
hours, so a few patches are timed and multiplied by the number of patches that nnU-Net's own
`compute_steps_for_sliding_window` lays over the scan: those figures are EXTRAPOLATED. Loading,
resampling, arg max and writing are not counted for nnU-Net; ToothSeg's figures are of the whole
command, reading, surfaces, pictures and writing. Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATCH = (128, 128, 128)
STEP = 0.5
CHANNELS = (32, 64, 128, 256, 320, 320)
CLASSES = 29


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Time of ToothSeg and of nnU-Net v2.")
    parser.add_argument("--nnunet", metavar="PYTHON", help="an interpreter that has nnunetv2")
    parser.add_argument("--size", default="400x400x280", metavar="IxJxK", help="voxels of the scan")
    parser.add_argument("--patches", type=int, default=2, help="patches to time without mirroring")
    parser.add_argument("--scan", help="a scan of that size instead of a simulated head")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    size = tuple(int(number) for number in args.size.split("x"))
    if args.measure:
        print(json.dumps([measured(False, args.patches, size), measured(True, 1, size)]))
        return
    if args.nnunet is None:
        parser.error("name the interpreter that has nnunetv2 with --nnunet")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    # nnU-Net asks for folders that it does not use here.
    environment |= dict.fromkeys(("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"), "")
    command = [args.nnunet, __file__, "--measure", "--size", args.size]
    answer = subprocess.run(
        [*command, "--patches", str(args.patches)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    theirs = json.loads(answer.stdout.splitlines()[-1])
    print("\n".join(table(theirs, ours(size, args.scan, environment))))


def measured(mirroring: bool, patches: int, size: tuple[int, ...]) -> dict[str, float | bool | str]:
    """In nnU-Net's interpreter: seconds of a few patches, and how many the scan has."""
    from types import SimpleNamespace

    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window

    torch.set_num_threads(1)
    stages = len(CHANNELS)
    network = PlainConvUNet(
        1,
        stages,
        CHANNELS,
        torch.nn.Conv3d,
        3,
        [1] + [2] * (stages - 1),
        2,
        CLASSES,
        [2] * (stages - 1),
        conv_bias=True,
        norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=False,
    )
    predictor = nnUNetPredictor(
        tile_step_size=STEP,
        use_gaussian=True,
        use_mirroring=mirroring,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.network = network
    predictor.allowed_mirroring_axes = (0, 1, 2)
    predictor.configuration_manager = SimpleNamespace(patch_size=list(PATCH))
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=CLASSES)
    long = PATCH[0] + round((patches - 1) * PATCH[0] * STEP)
    image = torch.randn(1, long, *PATCH[1:])
    with torch.inference_mode():
        network(image[None, :, :64, :64, :64])  # what the first pass alone costs
    wall, processor = time.perf_counter(), time.process_time()
    predictor.predict_sliding_window_return_logits(image)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    steps = compute_steps_for_sliding_window(size, PATCH, STEP)
    count = len(steps[0]) * len(steps[1]) * len(steps[2])
    return {
        "mirroring": mirroring, "timed": patches, "patches": count, "wall": wall / patches * count,
        "processor": processor / patches * count, "each": processor / patches,
        "torch": torch.__version__,
    }  # fmt: skip


def ours(size: tuple[int, ...], scan: str | None, environment: dict[str, str]) -> list:
    """`toothseg segment` of the same scan by every backend there is."""
    import segment_time

    os.environ.update(environment)
    head = segment_time.read_volume(scan) if scan else segment_time.simulated(0.4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nrrd"
        segment_time.write_volume(path, segment_time.placed(head, size[::-1]))
        return [
            segment_time.measured(path, size, backend, options)
            for backend in segment_time._backends()
            for options in ([], ["--precision", "full"])
        ]


def table(theirs: list[dict], ours: list) -> list[str]:
    """Rows of Markdown, the ratios last."""
    rows = ["| what | patches timed of all | processor, s | by the clock, s |", "|" + " --- |" * 4]
    for run in theirs:
        name = f"nnU-Net v2, mirroring {'on' if run['mirroring'] else 'off'}, extrapolated"
        rows.append(
            f"| {name} | {run['timed']} of {run['patches']}, {run['each']:.0f} s each | "
            f"{run['processor']:.0f} | {run['wall']:.0f} |"
        )
    names = [f"ToothSeg, {run.backend}, {how}" for run, how in zip(ours, ["auto", "full"] * 2)]
    for name, run in zip(names, ours):
        rows.append(f"| {name} precision | all | {run.processor:.1f} | {run.seconds:.1f} |")
    rows.append("")
    for name, run in zip(names, ours):
        for other in theirs:
            rows.append(
                f"{name}: {other['processor'] / run.processor:.0f} times less of the processor, "
                f"{other['wall'] / run.seconds:.0f} by the clock, than nnU-Net with mirroring "
                f"{'on' if other['mirroring'] else 'off'}"
            )
    return rows


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
