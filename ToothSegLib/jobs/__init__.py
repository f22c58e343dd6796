"""The cascade in a process of its own: start, listen, cancel, take the result."""
