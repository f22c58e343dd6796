"""The scene: MRML nodes to the library's values and back. No Qt in here, and no numerics."""
