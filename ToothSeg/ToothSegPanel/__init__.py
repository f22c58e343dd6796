"""The panel: one widget or presenter a file. Qt only: no numerics, and of MRML only handles."""
