"""Errors of untrusted files: every kind of damage raises the same error."""

from __future__ import annotations

import contextlib
import re
import textwrap
import warnings
from collections.abc import Iterator

from gan.errors import InvalidInput, StrPath


class Damaged(ValueError):
    """Raised if a file is damaged; `refusing` adds the name of the file."""


def sound(condition: object, reason: str) -> None:
    """Raise `Damaged` unless `condition` holds.

    Args:
        condition: bool.
        reason: str, what is wrong with the file: a clause, without the file's name.
    """
    if not condition:
        raise Damaged(reason)


@contextlib.contextmanager
def refusing(path: StrPath, argument: str = "path") -> Iterator[None]:
    """In this context every error that a damaged file raises becomes `InvalidInput`.

    Args:
        path: str or `os.PathLike`, the file.
        argument: str, the name of the argument with the path.
    """
    try:
        with warnings.catch_warnings():
            # If an optimizer does not match, Keras only warns and skips it.
            warnings.filterwarnings("error", "Skipping variable loading")
            yield
    except InvalidInput:
        raise
    # For damaged files, h5py raises a dozen classes of errors, even MemoryError.
    except Exception as error:
        said = f"The file {path} cannot be used: {reason(error)}."
        raise InvalidInput(said, argument) from error


def reason(error: Exception) -> str:
    """The message of an error, without the configs and examples that Keras adds."""
    text = " ".join(str(error).split()).rpartition("Exception encountered: ")[2]
    text = re.sub(r" *(Full object config: |config=|Example: class ).*", "", text)
    text = textwrap.shorten(text, 500, placeholder=" …").rstrip(".")
    return text or type(error).__name__
