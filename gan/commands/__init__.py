"""The commands: one file each, with `add` (its options) and `run`."""
