"""Cases to learn from: dentitions, jaws and pictures made without any patient's data."""
