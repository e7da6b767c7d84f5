"""Writes files completely or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator
from typing import Any

from gan.errors import InvalidInput, StrPath, expect_path, require

_PREFIX = ".gan-"  # begins the names of temporary files


@contextlib.contextmanager
def atomic_path(path: StrPath) -> Iterator[pathlib.Path]:
    """In this context, write a temporary file that replaces `path` on success.

    The file is flushed to disk before the rename and its folder after it, so that a
    crash at any moment leaves either the old file or the new one.

    Args:
        path: str or `os.PathLike`, the final path. Its folder must exist.

    Yields:
        `pathlib.Path` with the same suffix as `path`, to be written by the caller.

    Raises:
        InvalidInput: if `path` is a folder, or its folder does not exist or cannot be
            written to.
    """
    path = expect_writable(path)
    with temporary_path(path) as temporary:
        yield temporary
        # mkstemp makes private files; a new file gets the user's usual mode, and one
        # that is replaced keeps its own.
        umask = os.umask(0)
        os.umask(umask)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask
        temporary.chmod(mode)
        _sync(temporary, os.O_RDWR)
        temporary.replace(path)
        # Windows opens no folders, and needs no such flush.
        if os.name != "nt":
            _sync(path.parent, os.O_RDONLY)


@contextlib.contextmanager
def temporary_path(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """In this context there is an empty temporary file beside `path`.

    Args:
        path: `pathlib.Path`, whose folder must exist.

    Yields:
        `pathlib.Path` with the same suffix; the file is deleted unless it was moved.
    """
    # Keras tells formats by endings of one or two parts (.h5, .weights.h5).
    suffix = "".join(path.suffixes[-2:])
    suffix = suffix if len(suffix) < 40 else path.suffix
    prefix = f"{_PREFIX}{path.name[:64]}-"
    handle, name = tempfile.mkstemp(suffix, prefix, path.parent)
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def expect_writable(path: Any) -> pathlib.Path:
    """Expect that a file can be written at `path`; return it as a `Path`."""
    path = expect_path(path=path)
    folder = path.parent
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            # A rename would turn a pipe or a device into a file.
            regular = stat.S_ISREG(path.stat().st_mode)
            said = f"The path {path} is a folder or a device: name a file."
            require(regular, said, "path")
        said = f"There is no folder {folder}: make it first, or name another path."
        require(folder.is_dir(), said, "path")
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        said = f"The path {path} cannot be written to ({error.strerror or error})."
        raise InvalidInput(said, "path") from error
    return path


@contextlib.contextmanager
def made_folder(path: Any) -> Iterator[pathlib.Path]:
    """Makes a folder if it does not exist; errors in the context name the folder.

    Args:
        path: str or `os.PathLike`; the folders above it are made as well.

    Yields:
        `pathlib.Path` of the folder.

    Raises:
        InvalidInput: if `path` is no path, or the context raises OSError.
    """
    path = expect_path(directory=path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        said = f"The folder {path} cannot be written to ({error.strerror or error})."
        raise InvalidInput(said, "directory") from error


def clear_leftovers(folder: pathlib.Path, name: str = "") -> None:
    """Deletes temporary files of killed programs in a folder.

    Args:
        folder: `pathlib.Path`.
        name: str, beginning of the names of the files that were being written.
    """
    for path in folder.glob(f"{_PREFIX}{glob.escape(name)}*"):
        path.unlink(missing_ok=True)


def _sync(path, flags):
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
