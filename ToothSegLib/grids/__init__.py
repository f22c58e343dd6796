"""Voxel grids: the order of the axes, the working grid and back, where on a grid what lies."""
