"""Finds the pictures in a folder, and their classes."""

from __future__ import annotations

import os
import pathlib
import re
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from gan.data.picture_files import Skip, filter_warnings, opened, reason_of
from gan.errors import require, shown

# Beginnings of the names of files that systems and programs add to folders.
_HIDDEN = (".", "__MACOSX", "@eaDir", "$RECYCLE.BIN")
# Words in the names of parts of a data set, such as train2017, seg_test or trainA.
TRAIN = {"train", "training"}
HELD_OUT = {"test", "testing", "val", "valid", "validation", "dev", "eval"}


def search(
    folder: pathlib.Path,
    paths: list[pathlib.Path],
    left_out: dict[str, str],
    labelled: bool,
) -> tuple[list[pathlib.Path], list[str] | None]:
    """Finds a folder's pictures by the rules of `gan.data.pictures.read_pictures`.

    Args:
        folder: `pathlib.Path`.
        paths: list of `pathlib.Path`, its files whose first bytes are those of a
            picture.
        left_out: dict from paths to reasons, to which files left out are added.
        labelled: bool, whether sub-folders are classes.

    Returns:
        Tuple of the paths, and the class of each or `None`.
    """
    while True:
        inside = {}  # Paths by sub-folder; "" is the folder itself.
        for path in paths:
            first, *more = path.relative_to(folder).parts
            inside.setdefault(first if more else "", []).append(path)
        train = named(inside, TRAIN)
        held_out = [name for name in named(inside, HELD_OUT) if name not in train]
        if train and held_out:
            for name in [name for name in inside if name not in train]:
                reason = f"in {name!r}, " if name else ""
                reason += f"not in {train[0]!r}"
                left_out |= {str(path): reason for path in inside[name]}
            paths = [path for name in train for path in inside[name]]
        elif len(inside) == 1 and "" not in inside:
            folder = folder.joinpath(*inside)
        else:
            break
    require(
        not held_out or len(held_out) < len(inside),
        f"The folder {shown(str(folder))} holds parts of a set, {', '.join(held_out)}, "
        "but no training part. Give the path of one of them.",
        "path",
    )
    if not labelled or len({*inside} - {""}) < 2:
        return paths, None
    loose = inside.pop("", [])
    left_out |= {str(path): "in none of the classes" for path in loose}
    paths = [path for some in inside.values() for path in some]
    return paths, [name for name, some in inside.items() for _ in some]


def named(names: Iterable[str], words: set[str]) -> list[str]:
    """The names that contain one of the words: seg_train, train2017, TrainSet."""
    split = re.compile("[A-Z]?[a-z]+|[A-Z]+").findall
    return [name for name in names if words & {word.lower() for word in split(name)}]


def files_of(
    root: pathlib.Path,
) -> tuple[list[pathlib.Path], dict[str, str], list[pathlib.Path]]:
    """Lists the files of a folder and its sub-folders, sorted by name.

    Args:
        root: `pathlib.Path`.

    Returns:
        Tuple of their paths, a dict from paths left out to reasons, and the
        sub-folders.
    """
    files, left_out, seen = [], {}, []

    def leave_out(error):
        left_out[error.filename] = error.strerror

    for parent, folders, names in os.walk(root, onerror=leave_out, followlinks=True):
        files += [pathlib.Path(parent, name) for name in names]
        for path in [pathlib.Path(parent, name) for name in folders]:
            if path.name.startswith(_HIDDEN):
                left_out[str(path)] = "hidden"
            elif path.is_symlink() and not _may_be_class(path, root):
                left_out[str(path)] = "a link to a folder"
            else:
                seen.append(path)
                continue
            folders.remove(path.name)
    return sorted(files), left_out, seen


def walk(root: pathlib.Path) -> tuple[list[pathlib.Path], dict[str, str]]:
    """Lists the files of a folder and its sub-folders that seem to be pictures.

    A file seems to be one if its first bytes are those of a picture.

    Args:
        root: `pathlib.Path`.

    Returns:
        Tuple of their paths, sorted by name, and a dict from paths left out to reasons.
    """
    files, left_out, folders = files_of(root)
    return beginning_as_pictures(files, left_out, folders), left_out


def beginning_as_pictures(
    files: list[pathlib.Path], left_out: dict[str, str], folders: list[pathlib.Path]
) -> list[pathlib.Path]:
    """Keeps the files that seem to be pictures (see `walk`); notes why others are not.

    Args:
        files: as returned by `files_of`.
        left_out: as returned by `files_of`.
        folders: as returned by `files_of`.

    Returns:
        List of `pathlib.Path`.
    """
    paths = []
    with warnings.catch_warnings():
        filter_warnings()
        for path in progress(files):
            try:
                if path.name.startswith(_HIDDEN):
                    raise Skip("hidden")
                with opened(path):
                    paths.append(path)
            except Exception as error:
                left_out[str(path)] = reason_of(error)
    full = {folder for path in paths for folder in path.parents}
    for path in sorted({*folders} - full):
        left_out.setdefault(str(path), "no pictures in it")
    return paths


def _may_be_class(link, root):
    """Whether a link lies directly in a folder and does not lead back to it."""
    return link.parent == root and not root.resolve().is_relative_to(link.resolve())


def progress(items: list[Any]) -> Iterator[Any]:
    """Yield the items; after two seconds, show their count on a terminal."""
    told, following = False, time.monotonic() + 2
    for done, item in enumerate(items):
        if time.monotonic() > following and sys.stderr.isatty():
            told, following = True, time.monotonic() + 0.2
            line = f"{done} of {len(items)}"
            print("\r", line, sep="", end="", file=sys.stderr, flush=True)
        yield item
    if told:
        print("\r", f"{len(items)} of {len(items)}", sep="", file=sys.stderr)
