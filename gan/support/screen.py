"""Properties of the output."""

from __future__ import annotations

import sys


def shows_bars() -> bool:
    """Whether a line can be updated: on a terminal, or below a notebook cell."""
    notebook = type(sys.stdout).__module__.startswith("ipykernel")
    return notebook or sys.stdout.isatty()
