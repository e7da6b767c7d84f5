"""Output streams that can print any text, and escape control characters."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any


class _SafeStream:
    """A stream on which the name of a file cannot move the cursor or change colours."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; characters that cannot be printed are escaped."""
        # Keras's own bar needs control characters, and a line of progress begins with
        # "\r", which is written alone.
        writer = sys._getframe(1).f_globals.get("__name__", "")
        if not (text.isprintable() or text == "\r" or writer.startswith("keras.")):
            text = "".join(
                one if one.isprintable() or one in "\n\t" else repr(one)[1:-1]
                for one in text
            )
        return self._stream.write(text)


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """In this context stdout and stderr accept any text and print it at once."""
    safe = {}
    for name in ("stdout", "stderr"):
        # If a stream is closed, Python sets it to None, and the next file that is
        # opened would get its descriptor.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        stream = getattr(sys, name)
        # Names of files, and signs such as ±, may be missing in the stream's encoding.
        # Behind a pipe, each line must arrive at once, to show the progress.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
        safe[name] = stream, _SafeStream(stream)
        setattr(sys, name, safe[name][1])
    try:
        yield
    finally:
        for name, (stream, ours) in safe.items():
            if getattr(sys, name) is ours:
                setattr(sys, name, stream)


def flush() -> None:
    """Flush stdout now, so that Python does not fail when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again when it exits, and print an error.
        sys.stdout = open(os.devnull, "w")
        raise
