"""Where what is printed goes."""

from __future__ import annotations

import sys


def shows_bars() -> bool:
    """Whether a line can be drawn anew: on a terminal, or below a notebook's cell."""
    notebook = type(sys.stdout).__module__.startswith("ipykernel")
    return notebook or sys.stdout.isatty()
