"""Reads captions of pictures from files of several forms."""

from __future__ import annotations

import csv
import io
import itertools
import json
import pathlib
import re
import zipfile
from collections import Counter
from typing import Any

from gan.data.arrays import read_texts
from gan.errors import StrPath, expect_path, require, shown, warn

_NAMES = ("file_name", "filename", "file", "image", "picture")
_TEXTS = ("text", "caption", "captions", "description")
_MOST_BYTES = 2**28

Captions = list[str] | dict[str, str]


def read_captions(path: StrPath) -> Captions:
    """Read the captions of pictures.

    Args:
        path: str or `os.PathLike`, one of
            - an `.npz` file with texts named caption or captions, such as the file of
              the pictures itself;
            - an `.npy` file of texts;
            - a `.jsonl` file whose lines have file_name and text (or caption), or a
              `.json` file of a dict from names to captions or of a list of captions;
            - a `.csv` file with columns of these names;
            - a text file with a caption on each line; for pictures in a folder, each
              line begins with the name of the picture's file and a tab.

    Returns:
        List of str in the order of the pictures, or dict from the names of their files
        to captions.

    Raises:
        InvalidInput: if there is no such file, or it holds something else.
    """
    path = expect_path(captions=path)
    said = f"There is no file of captions at {path}: give another path."
    require(path.is_file(), said, "captions")
    if path.suffix == ".npy" or zipfile.is_zipfile(path):
        texts = read_texts(path)
        found: Any = texts if texts is None else [str(text) for text in texts]
    else:
        size = path.stat().st_size
        said = f"The file of captions {path} has {size} bytes, which is too many."
        require(size <= _MOST_BYTES, said, "captions")
        try:
            found = _of_text(path.read_text(encoding="utf-8-sig"), path.suffix.lower())
        except (ValueError, RecursionError, csv.Error):
            found = None
    several = isinstance(found, (list, dict)) and len(found) > 0
    texts = [*(found.values() if isinstance(found, dict) else found or [])]
    require(
        several and all(isinstance(text, str) for text in texts),
        f"The file {path} holds no captions: it must be UTF-8 text with one caption "
        "per line (for a folder of pictures, after the file's name and a tab), .jsonl "
        "or .csv with file_name and text, or .npz with texts named caption.",
        "captions",
    )
    return found


def _of_text(text, ending):
    if ending == ".json":
        return json.loads(text)
    # Not splitlines, which also splits at characters that a caption may hold.
    lines = [line for line in text.split("\n") if line.strip()]
    if ending == ".jsonl":
        return _of_rows([json.loads(line) for line in lines])
    if ending == ".csv":
        rows = csv.DictReader(io.StringIO(text.lstrip()))
        return _of_rows([row for row in rows if any(map(_holds_text, row.values()))])
    parts = [line.split("\t", 1) for line in lines]
    if all(len(part) == 2 for part in parts):
        return _by_name([(name.strip(), caption.strip()) for name, caption in parts])
    return [line.strip() for line in lines]


def _of_rows(rows):
    """Dict from names to captions, or a list if the rows have no names."""
    columns = {str(name).strip(): name for row in rows[:1] for name in row}
    text = next((columns[name] for name in _TEXTS if name in columns), None)
    name = next((columns[name] for name in _NAMES if name in columns), None)
    if text is None:
        return None
    if name is None:
        return [row.get(text) for row in rows]
    named = [(row.get(name), row.get(text)) for row in rows]
    return _by_name(named) if all(_holds_text(name) for name, _ in named) else None


def _holds_text(value):
    return isinstance(value, str) and bool(value.strip())


def _by_name(pairs):
    """Dict from names to the first caption of each."""
    found: dict[str, str] = {}
    # Some files number the captions of a picture: 1.jpg#0, 1.jpg#1, …
    pairs = [(re.sub(r"#\d+$", "", name), caption) for name, caption in pairs]
    for name, caption in pairs:
        found.setdefault(name, caption)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        name, times = names.most_common(1)[0]
        warn(
            f"The argument captions has {len(pairs)} captions for {len(found)} files, "
            f"such as {times} for {shown(name)}: the first caption of each is used."
        )
    return found


def captions_of(
    captions: Captions, paths: list[pathlib.Path] | None, count: int
) -> list[str | None]:
    """Finds the caption of each picture.

    Args:
        captions: result of `read_captions`.
        paths: list of `pathlib.Path` of the pictures, or `None` for an array.
        count: int, number of pictures.

    Returns:
        List of str, with `None` for pictures without a caption.

    Raises:
        InvalidInput: if no caption belongs to a picture, or their number is wrong.
    """
    if isinstance(captions, list):
        require(
            paths is None,
            "The argument captions must name the file of each picture of a folder: "
            "begin each line with the name and a tab.",
            "captions",
        )
        said = f"There are {len(captions)} captions for {count} pictures: each "
        require(len(captions) == count, f"{said}picture needs one.", "captions")
        return [*captions]
    require(
        paths is not None,
        "The argument captions must hold one caption per line, in the order of the "
        "pictures in the array, but it names files.",
        "captions",
    )
    found = _matched(captions, paths or [])
    said = "None of the pictures has a caption: the first file named in captions is "
    said += f"{shown(next(iter(captions)))}, but the first picture is "
    said += f"{shown(paths[0].name if paths else '')}."
    require(any(found), said, "captions")
    return found


def _matched(captions, paths):
    """The caption of each path, or `None`.

    A name fits a path if both end in the same file, with or without its suffix. The
    more folders agree, the better it fits. A path gets the caption of the name that
    fits it best, if that name fits no other path better.
    """
    known = {}
    for name, caption in captions.items():
        *folders, file = re.split(r"[/\\]", str(name).strip())
        one = folders, file, caption
        for form in {file, pathlib.PurePath(file).stem}:
            known.setdefault(form, []).append(one)

    def fits(path):
        """The captions that fit a path best, with how well they fit, or `None`."""
        found = {
            id(one): one
            for form in (path.name, path.stem)
            for one in known.get(form, ())
        }
        grades = {}
        for one in found.values():
            folders, file, _ = one
            pairs = zip(folders[::-1], path.parts[-2::-1], strict=False)
            equal = [*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)]
            whole = 2 if file == path.name else file == path.stem
            grades.setdefault((len(equal), whole), []).append(one)
        return max(grades.items(), default=None)

    best = [fits(path) for path in paths]
    highest = {}
    for grade, ones in filter(None, best):
        for one in ones:
            highest[id(one)] = max(grade, highest.get(id(one), grade))
    found = []
    for fit in best:
        grade, ones = fit or (None, ())
        texts = {one[2] for one in ones if highest[id(one)] == grade}
        found.append(texts.pop() if len(texts) == 1 else None)
    return found


def captions_within(path: StrPath) -> bool:
    """Whether an `.npz` file of pictures also holds captions; raises no errors."""
    try:
        return zipfile.is_zipfile(path) and read_texts(path) is not None
    except (OSError, ValueError):
        return False
