"""The command line of `main.py`, `python -m gan` and `gan`."""

from gan.cli.parser import main

__all__ = ["main"]
