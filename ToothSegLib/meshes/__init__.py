"""Meshes of triangles that other programs can read."""
