"""Many scans, each through the same door as `toothseg segment`; see docs/batch.md."""
