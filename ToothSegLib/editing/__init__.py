"""Corrections as functions of a label map."""
