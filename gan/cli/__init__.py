"""The command line: what `main.py`, `python -m gan` and `gan` call."""

from gan.cli.parser import main

__all__ = ["main"]
