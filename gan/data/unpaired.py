"""Reads two kinds of unpaired pictures, and draws examples of both."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from gan.data.examples import Examples, Sample
from gan.data.pictures import Pictures, read_pictures
from gan.errors import StrPath, expect_path, require, shown


@dataclasses.dataclass(frozen=True, eq=False)
class Kinds:
    """Pictures of two kinds.

    Attributes:
        a: `Pictures` of the first kind.
        b: `Pictures` of the second kind.
        called: pair of str, the names of their folders.
    """

    a: Pictures
    b: Pictures
    called: tuple[str, str]

    @property
    def said(self) -> str:
        """A line with the number of pictures of each kind."""
        return f"{self.called[0]}: {self.a.said}; {self.called[1]}: {self.b.said}"


def read_unpaired(
    path: StrPath, size: tuple[int, int] | None = None, colour: bool | None = None
) -> Kinds:
    """Reads the two kinds of pictures in a folder; all pictures get one size.

    The folder holds `trainA` and `trainB` (then `testA` and `testB` are not read); or
    `A` and `B`; or exactly two folders, which are taken in the order of their names.
    Each is read as by `gan.data.pictures.read_pictures`.

    Args:
        path: str or `os.PathLike`, a folder.
        size: pair of ints, height and width; `None` means (32, 32).
        colour: bool, `True` for RGB and `False` for grey; `None` finds out whether
            there are colours, for each kind.

    Returns:
        `Kinds`.

    Raises:
        InvalidInput: if there are no such folders at the path.
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
        "A and B, or only two folders, with one kind of pictures in each, but it "
        f"holds {', '.join(one.name for one in inside[:8]) or 'none'}.",
        "path",
    )
    return inside[0], inside[1]


def part(pictures: Pictures, withheld: int) -> tuple[np.ndarray, np.ndarray]:
    """Split pictures into a training part and `withheld` others, both shuffled."""
    order = np.random.default_rng(0).permutation(len(pictures.pictures))
    shuffled = pictures.pictures[order]
    return shuffled[: len(shuffled) - withheld], shuffled[len(shuffled) - withheld :]


class UnpairedExamples(Examples):
    """Real examples of two kinds, A and B, which are not paired.

    Attributes:
        parts: pair of `Examples`, of A and of B.
    """

    def __init__(self, a: Examples, b: Examples) -> None:
        self.parts: tuple[Examples, Examples] = (a, b)
        super().__init__(None, None, b.shape)

    @property
    def value(self) -> Any:
        """Pair of the values of both parts."""
        return tuple(part.value for part in self.parts)

    def kinds(self) -> tuple[Examples, Examples]:
        """Both parts, with the `pixel_range` of this object."""
        for part in self.parts:
            part.pixel_range = self.pixel_range
        return self.parts

    def __len__(self) -> int:
        """Number of distinct examples that can be drawn of each kind."""
        return min(map(len, self.parts))

    def draw(self, numbers: tf.Tensor) -> Sample:
        """A `Sample` whose examples are the pair `(a, b)` with these indices."""
        return Sample(tuple(part.draw(numbers).examples for part in self.kinds()))

    def look(self) -> np.ndarray:
        """The values of the first thousand examples of each kind, in one flat array."""
        return np.concatenate([np.ravel(part.look()) for part in self.kinds()])

    def steps(self, batch_size: int) -> int:
        """Number of batches in one pass through the larger kind."""
        return max(part.steps(batch_size) for part in self.parts)

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that identify both kinds."""
        whole = " ".join(part.fingerprint() for part in self.parts)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def tensors(self) -> list[tf.Tensor]:
        """The tensors of both parts."""
        return [tensor for part in self.parts for tensor in part.tensors]

    @contextlib.contextmanager
    def drawing_from(self, tensors: list[tf.Tensor]) -> Iterator[None]:
        """As in `Examples`, for both parts."""
        first, second = self.parts
        count = len(first.tensors)
        with first.drawing_from(tensors[:count]), second.drawing_from(tensors[count:]):
            yield

    def refill(self, other: Examples) -> bool:
        """As in `Examples`: takes the data of both parts or of none."""
        same = isinstance(other, UnpairedExamples)
        pairs = [*zip(self.parts, other.parts, strict=True)] if same else []
        same = same and all(mine._form() == others._form() for mine, others in pairs)
        if same:
            self.pixel_range = other.pixel_range
        return same and all([mine.refill(others) for mine, others in pairs])

    def equals(self, other: Any) -> bool:
        """As in `Examples`, for both parts."""
        same = isinstance(other, UnpairedExamples)
        pairs = zip(self.kinds(), other.kinds(), strict=True) if same else ()
        return same and all(mine.equals(others) for mine, others in pairs)
