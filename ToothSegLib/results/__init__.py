"""The files of a result, and which of them may be replaced."""
