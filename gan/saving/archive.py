"""Checks the ZIP archive of a model file before anything in it is used."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

from gan.errors import StrPath, expect_path, require
from gan.saving import hdf5_guard
from gan.saving.damage import refusing, sound

WEIGHTS = "model.weights.h5"
# The members of a file and their largest sizes. In memory, JSON takes many times its
# size in the file, and weights take the same size.
_MEMBERS = {"metadata.json": 2**24, "config.json": 2**24, "gan.json": 2**27}
_MEMBERS[WEIGHTS] = 2**36
MOST_NOTES = _MEMBERS["gan.json"]


def keras_path(path: StrPath) -> pathlib.Path:
    """Expect the path of a model file; return it as a `Path`."""
    path = expect_path(path=path)
    said = f"The path of a model file must end in .keras, but it is {path}."
    require(path.suffix == ".keras", said, "path")
    return path


@contextlib.contextmanager
def opened(path: StrPath) -> Iterator[zipfile.ZipFile]:
    """Check and open a model file; damage raises `InvalidInput`."""
    path = keras_path(path)
    require(path.is_file(), f"There is no model file at {path}.", "path")
    with refusing(path), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        members = len(names) == len(_MEMBERS) and {*names} == {*_MEMBERS}
        sound(members, "it was not written by model.save of this library")
        for member in archive.infolist():
            plain = member.compress_type == zipfile.ZIP_STORED
            small = plain and member.file_size <= _MEMBERS[member.filename]
            sound(small, f"its member {member.filename} is compressed, or too large")
        sound(archive.testzip() is None, "its bytes were changed after it was written")
        # Read it completely, because seeking back in a member would read it again.
        with io.BytesIO(archive.read(WEIGHTS)) as weights:
            hdf5_guard.expect_weights(weights, weights.getbuffer().nbytes)
        yield archive


def read_notes(path: StrPath) -> dict[str, Any]:
    """Checks that a model file is undamaged and returns its notes.

    Args:
        path: str or `os.PathLike`, a file of `save_model`.

    Returns:
        Dict, the notes with which it was saved.

    Raises:
        InvalidInput: if the file is missing or damaged.
    """
    with opened(path) as archive:
        text = archive.read("gan.json")
        # Empty lists and dicts take the most memory for their size in the file.
        few = text.count(b"[") + text.count(b"{") <= 2**20
        sound(few, "its notes have too many parts")
        notes = json.loads(text)["notes"]
        sound(isinstance(notes, dict), "its notes are no dict")
    return notes
