"""Files that need not be trusted: whatever is wrong with one is said in one way."""

from __future__ import annotations

import contextlib
import re
import textwrap
import warnings
from collections.abc import Iterator

from gan.errors import InvalidInput, StrPath


class Damaged(ValueError):
    """What is wrong with a file; `refusing` adds which file it is."""


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
    """Within this context whatever a file's damage raises becomes `InvalidInput`.

    Args:
        path: str or `os.PathLike`, the file.
        argument: str, the name of the argument by which the user gave it.
    """
    try:
        with warnings.catch_warnings():
            # Keras skips an optimizer that does not fit and only warns.
            warnings.filterwarnings("error", "Skipping variable loading")
            yield
    except InvalidInput:
        raise
    # Damage surfaces in h5py as a dozen classes, among them MemoryError.
    except Exception as error:
        said = f"The file {path} cannot be used: {reason(error)}."
        raise InvalidInput(said, argument) from error


def reason(error: Exception) -> str:
    """What an error says, without the configs and examples that Keras adds to it."""
    text = " ".join(str(error).split()).rpartition("Exception encountered: ")[2]
    text = re.sub(r" *(Full object config: |config=|Example: class ).*", "", text)
    text = textwrap.shorten(text, 500, placeholder=" …").rstrip(".")
    return text or type(error).__name__
