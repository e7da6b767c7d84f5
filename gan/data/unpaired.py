"""Two kinds of pictures without links between them, as people have them in folders."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

from gan.data.pictures import Pictures, read_pictures
from gan.errors import StrPath, expect_path, require, shown


@dataclasses.dataclass(frozen=True, eq=False)
class Kinds:
    """Pictures of one kind and of another.

    Attributes:
        a: `Pictures`.
        b: `Pictures`.
        called: pair of str, what their folders are called.
    """

    a: Pictures
    b: Pictures
    called: tuple[str, str]

    @property
    def said(self) -> str:
        """One line: how many pictures of what there are of each kind."""
        return f"{self.called[0]}: {self.a.said}; {self.called[1]}: {self.b.said}"


def read_unpaired(
    path: StrPath, size: tuple[int, int] | None = None, colour: bool | None = None
) -> Kinds:
    """Read the two kinds of pictures in a folder, and bring them to one size.

    The folder holds `trainA` and `trainB`, beside which `testA` and `testB` are not
    read; or `A` and `B`; or no more than two folders, which are taken in the order of
    their names. Each is read as `gan.data.pictures.read_pictures` does.

    Args:
        path: str or `os.PathLike`, a folder.
        size: pair of ints, height and width; `None`: (32, 32).
        colour: bool, RGB or grey; `None`: colour where there is any, in each kind.

    Returns:
        `Kinds`.

    Raises:
        InvalidInput: if there is nothing of that kind at the path.
    """
    folder = expect_path(path=path)
    said = f"There is no folder {shown(str(folder))}: give another path."
    require(folder.is_dir(), said, "path")
    first, second = _two_folders(folder)
    kinds = [
        read_pictures(one, size, colour, labelled=False) for one in (first, second)
    ]
    return Kinds(*kinds, (first.name, second.name))


def _two_folders(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    inside = sorted(
        one for one in folder.iterdir() if one.is_dir() and one.name[:1] not in "._@$"
    )
    found = {one.name.lower(): one for one in inside}
    for pair in (("traina", "trainb"), ("a", "b")):
        if {*pair} <= {*found}:
            return found[pair[0]], found[pair[1]]
    require(
        len(inside) == 2,
        f"The folder {shown(str(folder))} must hold the folders trainA and trainB, or "
        "A and B, or two folders alone, with pictures of one kind each, but it holds "
        f"{', '.join(one.name for one in inside[:8]) or 'none'}.",
        "path",
    )
    return inside[0], inside[1]


def part(pictures: Pictures, withheld: int) -> tuple[np.ndarray, np.ndarray]:
    """The pictures to train on and so many that are withheld, in a random order."""
    order = np.random.default_rng(0).permutation(len(pictures.pictures))
    shuffled = pictures.pictures[order]
    return shuffled[: len(shuffled) - withheld], shuffled[len(shuffled) - withheld :]
