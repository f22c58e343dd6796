"""How strongly matter attenuates X-rays: elements, mixtures of them, energies of a dental tube.

Mass attenuation coefficients, to four digits, are the total cross sections of W. T. Elam, B. D.
Ravel and J. R. Sieber, Radiation Physics and Chemistry 63 (2002), at energies that J. H. Hubbell
and S. M. Seltzer tabulate too: *Tables of X-Ray Mass Attenuation Coefficients*, NISTIR 5632,
National Institute of Standards and Technology (https://physics.nist.gov/xaamdi).
Mixtures made of them agree with NIST's own of water and human tissues, which the tests check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENERGIES_KEV = (30, 40, 50, 60, 80, 100)

# cm2/g at ENERGIES_KEV. The K edges of barium (37 keV), gold (81 keV) and mercury (83 keV) lie
# between two of them, so that nothing may be interpolated here.
MASS_ATTENUATION: dict[str, tuple[float, ...]] = {
    "H": (0.3570, 0.3458, 0.3355, 0.3260, 0.3091, 0.2944),
    "C": (0.2562, 0.2076, 0.1871, 0.1753, 0.1610, 0.1514),
    "N": (0.3067, 0.2288, 0.1980, 0.1817, 0.1639, 0.1529),
    "O": (0.3779, 0.2585, 0.2133, 0.1907, 0.1679, 0.1551),
    "Mg": (0.9305, 0.4880, 0.3292, 0.2570, 0.1951, 0.1686),
    "Al": (1.128, 0.5684, 0.3682, 0.2778, 0.2018, 0.1704),
    "Si": (1.436, 0.7010, 0.4385, 0.3206, 0.2228, 0.1835),
    "P": (1.700, 0.8095, 0.4918, 0.3494, 0.2324, 0.1865),
    "S": (2.113, 0.9873, 0.5850, 0.4053, 0.2586, 0.2020),
    "K": (3.412, 1.541, 0.8678, 0.5678, 0.3252, 0.2345),
    "Ca": (4.080, 1.830, 1.019, 0.6579, 0.3655, 0.2571),
    "Ti": (4.972, 2.213, 1.213, 0.7660, 0.4053, 0.2721),
    "Cr": (6.435, 2.855, 1.551, 0.9640, 0.4905, 0.3166),
    "Co": (8.963, 3.980, 2.144, 1.314, 0.6414, 0.3949),
    "Cu": (10.91, 4.861, 2.613, 1.593, 0.7630, 0.4585),
    "Zn": (12.07, 5.384, 2.893, 1.761, 0.8367, 0.4974),
    "Zr": (24.86, 11.39, 6.174, 3.744, 1.721, 0.9656),
    "Mo": (28.10, 12.94, 7.040, 4.274, 1.962, 1.096),
    "Ag": (36.68, 17.19, 9.446, 5.766, 2.651, 1.469),
    "Sn": (41.22, 19.43, 10.70, 6.566, 3.029, 1.677),
    "Ba": (9.904, 24.57, 13.79, 8.511, 3.963, 2.195),
    "Au": (27.52, 12.98, 7.258, 4.529, 2.185, 5.158),
    "Hg": (28.41, 13.42, 7.503, 4.683, 2.259, 5.277),
}


@dataclass(frozen=True)
class Material:
    """A mixture of elements.

    Attributes:
        density: g/cm3.
        parts: share of each element by weight; what is missing from 1 (traces) is taken to be
            like the rest.
    """

    density: float
    parts: Mapping[str, float]

    def attenuation(self, energies_kev: Sequence[int] = ENERGIES_KEV) -> NDArray[np.float64]:
        """(energies,) linear attenuation coefficients, 1/mm.

        Raises:
            ValueError: an energy or an element that is not in the table.
        """
        for energy in energies_kev:
            if energy not in ENERGIES_KEV:
                raise ValueError(f"no attenuation is known at {energy} keV")
        for name in self.parts:
            if name not in MASS_ATTENUATION:
                raise ValueError(f"no attenuation is known of {name}")
        columns = [ENERGIES_KEV.index(e) for e in energies_kev]
        table = np.array([MASS_ATTENUATION[name] for name in self.parts])[:, columns]
        shares = np.array(list(self.parts.values()))
        per_cm = self.density * (shares @ table) / shares.sum()
        return np.asarray(per_cm / 10.0)
