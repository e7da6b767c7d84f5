"""TensorFlow's import, without its chatter and with its fast convolutions."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within this context TensorFlow's import prints nothing; exceptions pass.

    What `TF_CPP_MIN_LOG_LEVEL` and `TF_ENABLE_ONEDNN_OPTS` say already holds.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in ("x86_64", "AMD64"):
        # TensorFlow leaves its fast convolutions off on processors without AVX-512.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
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
