"""The dental arch as a chain: what is measured of a region, its place, its order, its number."""
