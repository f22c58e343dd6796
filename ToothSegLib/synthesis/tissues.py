"""Tissue codes of a case's tissue map, with their attenuation.

Attenuation is in 1/cm at about 60 keV; values outside the metals are textbook means. They set the
*order* of grey values for the randomised pictures; the physical ones have theirs from `materials`.
"""

from __future__ import annotations

AIR = 0
SOFT = 1
FAT = 2
MUSCLE = 3
TRABECULAR = 4
CORTICAL = 5
DENTINE = 6
ENAMEL = 7
PULP = 8
LIGAMENT = 9
METAL = 10
CERAMIC = 11
TITANIUM = 12
ROOT_FILLING = 13
PLASTIC = 14

ATTENUATION: dict[int, float] = {
    AIR: 0.0,
    SOFT: 0.20,
    FAT: 0.18,
    MUSCLE: 0.205,
    TRABECULAR: 0.32,
    CORTICAL: 0.55,
    DENTINE: 0.60,
    ENAMEL: 0.95,
    PULP: 0.21,
    LIGAMENT: 0.21,
    METAL: 6.0,
    CERAMIC: 1.6,
    TITANIUM: 3.5,
    ROOT_FILLING: 1.9,
    PLASTIC: 0.22,
}
COUNT = len(ATTENUATION)
