"""Reads pairs of pictures from two folders, or from files with two halves."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

from gan.data.arrays import expect_size
from gan.data.folders import HELD_OUT, TRAIN, named, walk
from gan.data.picture_files import opened
from gan.data.pictures import Pictures, has_colour, read_each
from gan.errors import StrPath, expect_path, require, shown

_LEAST_ASPECT = 1.5  # smallest aspect ratio of two pictures side by side


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Input pictures of one size, and their target pictures.

    Attributes:
        inputs: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`.
        targets: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`, the target of each input.
        left_out: dict from the paths of files that were not read to reasons, both str.
        cropped: int, number of pictures that were cropped to the aspect ratio of this
            size.
    """

    inputs: np.ndarray
    targets: np.ndarray
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    cropped: int = 0

    @property
    def said(self) -> str:
        """A line with the number of pairs, what was cropped and what was left out."""
        parts = (self.inputs, self.targets)
        kinds = ["colour" if some.shape[3] == 3 else "grey" for some in parts]
        # The text about files left out is that of `Pictures`.
        one = Pictures(self.targets, None, [], self.left_out, self.cropped).said
        _, _, rest = one.partition(kinds[1])
        count, height, width, _ = self.targets.shape
        text = f"{count} pair{'s' * (count != 1)}, {height}x{width}"
        return f"{text}, {kinds[0]} to {kinds[1]}{rest}"


def read_pairs(
    path: StrPath, size: tuple[int, int] | None = None, colour: bool | None = None
) -> Pairs:
    """Reads the pairs of a folder; all pictures get one size.

    Each picture is cropped and resized as in `gan.data.pictures.read_pictures`. The
    folder holds one of these:

    - two folders, A with the inputs and B with the targets. Partners have the same file
      name, except for the suffix; pictures without a partner are left out;
    - pictures that consist of two halves, the input on the left.

    If there are sub-folders with names like train and test, at the top or within A and
    B, only train is read.

    Args:
        path: str or `os.PathLike`, a folder.
        size: pair of ints, height and width of inputs and targets; `None` means
            (32, 32).
        colour: bool, `True` for RGB and `False` for grey; `None` finds out whether
            there are colours, for inputs and targets separately.

    Returns:
        `Pairs`.

    Raises:
        InvalidInput: if there is nothing at the path, or it holds no pair.
    """
    folder, size = expect_path(path=path), (32, 32) if size is None else tuple(size)
    expect_size(size)
    said = f"There is no folder {shown(str(folder))}: give another path."
    require(folder.is_dir(), said, "path")
    folder = _training_part(folder)
    sides = _two_folders(folder)
    found = _of_two(*sides) if sides else _of_halves(folder)
    (first, one), (second, other), left_out = found
    inputs, read, cropped = read_each(first, size, colour, 1.0, left_out, one)
    targets, also, more = read_each(second, size, colour, 1.0, left_out, other)
    # If one side cannot be read, the other has no partner.
    both = sorted({*read} & {*also})
    require(both, f"{_none(folder)} give another path.", "path")
    inputs, targets = (
        some[np.searchsorted(numbers, both)]
        for some, numbers in ((inputs, read), (targets, also))
    )
    inputs, targets = (
        np.ascontiguousarray(some[..., :1])
        if colour is None and not has_colour(some)
        else some
        for some in (inputs, targets)
    )
    return Pairs(inputs, targets, left_out, cropped + more)


def _none(folder):
    return (
        f"There is no pair in the folder {shown(str(folder))}: it needs folders A and "
        "B with pictures of the same names, or pictures that show both side by "
        "side. Add them, or"
    )


def _training_part(folder):
    """The folder itself, or its sub-folder for training."""
    names = sorted(one.name for one in folder.iterdir() if one.is_dir())
    train, held_out = named(names, TRAIN), named(names, HELD_OUT)
    if len(train) == 1:
        return folder / train[0]
    require(
        not held_out or _two_folders(folder),
        f"The folder {shown(str(folder))} holds parts of a set, {', '.join(held_out)}, "
        "but no training part. Give the path of one of them.",
        "path",
    )
    return folder


def _two_folders(folder):
    """The folders A and B, or `None`."""
    found = {one.name.upper(): one for one in folder.iterdir() if one.is_dir()}
    return (found["A"], found["B"]) if {"A", "B"} <= {*found} else None


def _of_two(first, second):
    """Paths of inputs and of targets, in the same order."""
    known, left_out = [], {}
    for folder in (first, second):
        paths, others = walk(folder)
        left_out |= others
        parts = sorted({p.relative_to(folder).parts[0] for p in paths})
        train = named(parts, TRAIN) if named(parts, HELD_OUT) else []
        if train:
            paths = [p for p in paths if p.relative_to(folder).parts[0] in train]
        known.append({p.relative_to(folder).with_suffix(""): p for p in paths})
    both = sorted({*known[0]} & {*known[1]})
    require(both, f"{_none(first.parent)} give another path.", "path")
    for some in known:
        alone = [path for name, path in some.items() if name not in both]
        left_out |= {str(path): "without a partner" for path in alone}
    return (
        ([known[0][name] for name in both], None),
        ([known[1][name] for name in both], None),
        left_out,
    )


def _of_halves(folder):
    """Paths of pictures with two halves, for both sides."""
    paths, left_out = walk(folder)
    wide = []
    for path in paths:
        if _is_wide(path):
            wide.append(path)
        else:
            left_out[str(path)] = "not two pictures side by side"
    require(wide, f"{_none(folder)} give another path.", "path")
    return (wide, "left"), (wide, "right"), left_out


def _is_wide(path: pathlib.Path) -> bool:
    with opened(path) as image:
        return image.width >= _LEAST_ASPECT * image.height
