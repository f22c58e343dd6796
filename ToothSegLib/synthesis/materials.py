"""What the tissues and the dentist's materials are made of.

Soft tissues and bone after ICRU Reports 44 (1989) and 46 (1992). Enamel is 96 % hydroxyapatite and
4 % water by weight; dentine 70 % hydroxyapatite, 20 % collagen and 10 % water (Nanci, *Ten Cate's
Oral Histology*). Dental materials after their usual compositions (Anusavice, *Phillips' Science of
Dental Materials*). Traces are counted to a neighbour in the periodic table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.attenuation import Material

WATER = Material(1.00, {"H": 0.1119, "O": 0.8881})
AIR = Material(0.0012, {"N": 0.755, "O": 0.232})
SOFT = Material(
    1.06,
    {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Mg": 0.002, "P": 0.003, "S": 0.005,
     "K": 0.003},
)  # fmt: skip
FAT = Material(0.95, {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Mg": 0.001, "S": 0.002})
MUSCLE = Material(
    1.05,
    {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.710, "Mg": 0.001, "P": 0.002, "S": 0.004,
     "K": 0.004},
)  # fmt: skip
# Bars of bone with marrow between them; how dense it is here and there, `physics` draws.
TRABECULAR = Material(
    1.18,
    {"H": 0.085, "C": 0.404, "N": 0.028, "O": 0.367, "Mg": 0.002, "P": 0.034, "S": 0.004,
     "K": 0.001, "Ca": 0.074},
)  # fmt: skip
CORTICAL = Material(
    1.92,
    {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Mg": 0.003, "P": 0.103, "S": 0.003,
     "Ca": 0.225},
)  # fmt: skip
DENTINE = Material(
    2.14, {"H": 0.0266, "C": 0.100, "N": 0.034, "O": 0.4308, "P": 0.1295, "Ca": 0.2791}
)
ENAMEL = Material(2.95, {"H": 0.0064, "O": 0.4330, "P": 0.1776, "Ca": 0.3830})
TITANIUM = Material(4.51, {"Ti": 1.0})
# Gutta-percha: two thirds zinc oxide, a tenth barium sulphate.
ROOT_FILLING = Material(2.4, {"H": 0.03, "C": 0.20, "O": 0.16, "S": 0.015, "Zn": 0.53, "Ba": 0.065})
PLASTIC = Material(1.19, {"H": 0.0805, "C": 0.5998, "O": 0.3196})

AMALGAM = Material(11.0, {"Hg": 0.50, "Ag": 0.30, "Sn": 0.13, "Cu": 0.07})
COBALT_CHROMIUM = Material(8.3, {"Co": 0.63, "Cr": 0.29, "Mo": 0.06, "Si": 0.02})
GOLD = Material(15.5, {"Au": 0.75, "Ag": 0.15, "Cu": 0.10})
PORCELAIN = Material(2.45, {"O": 0.47, "Mg": 0.04, "Al": 0.09, "Si": 0.30, "K": 0.10})
ZIRCONIA = Material(6.05, {"O": 0.26, "Zr": 0.74})

# What each tissue code may stand for; where there is a choice, one is drawn for a scan.
OF_TISSUE: dict[int, tuple[Material, ...]] = {
    tissues.AIR: (AIR,),
    tissues.SOFT: (SOFT,),
    tissues.FAT: (FAT,),
    tissues.MUSCLE: (MUSCLE,),
    tissues.TRABECULAR: (TRABECULAR,),
    tissues.CORTICAL: (CORTICAL,),
    tissues.DENTINE: (DENTINE,),
    tissues.ENAMEL: (ENAMEL,),
    tissues.PULP: (SOFT,),
    tissues.LIGAMENT: (SOFT,),
    tissues.METAL: (AMALGAM, COBALT_CHROMIUM, GOLD),
    tissues.CERAMIC: (PORCELAIN, ZIRCONIA),
    tissues.TITANIUM: (TITANIUM,),
    tissues.ROOT_FILLING: (ROOT_FILLING,),
    tissues.PLASTIC: (PLASTIC,),
}


def tissue_attenuation(
    energies_kev: Sequence[int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """(tissues.COUNT, energies) linear attenuation coefficients, 1/mm, of one patient's tissues."""
    chosen = [
        OF_TISSUE[code][int(rng.integers(len(OF_TISSUE[code])))] for code in range(tissues.COUNT)
    ]
    return np.array([material.attenuation(energies_kev) for material in chosen], np.float32)
