"""Imports TensorFlow without its messages."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """In this context TensorFlow's import prints nothing; exceptions are raised."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        yield
        return
    # Its C++ libraries print to descriptor 2 before any setting reaches them.
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError, AttributeError):
            sys.stderr.flush()
            kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            undo.callback(os.close, kept)
            undo.callback(os.dup2, kept, 2)
        yield
