"""Two kinds of pictures without links between them: in folders, and as examples."""

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
        "A and B, or only two folders, with one kind of pictures in each, but it "
        f"holds {', '.join(one.name for one in inside[:8]) or 'none'}.",
        "path",
    )
    return inside[0], inside[1]


def part(pictures: Pictures, withheld: int) -> tuple[np.ndarray, np.ndarray]:
    """The pictures to train on and so many that are withheld, in a random order."""
    order = np.random.default_rng(0).permutation(len(pictures.pictures))
    shuffled = pictures.pictures[order]
    return shuffled[: len(shuffled) - withheld], shuffled[len(shuffled) - withheld :]


class UnpairedExamples(Examples):
    """Real examples of two kinds, A and B, which no order links.

    Attributes:
        parts: pair of `Examples`.
    """

    def __init__(self, a: Examples, b: Examples) -> None:
        self.parts: tuple[Examples, Examples] = (a, b)
        super().__init__(None, None, b.shape)

    @property
    def value(self) -> Any:
        """Pair of what the parts give."""
        return tuple(part.value for part in self.parts)

    def kinds(self) -> tuple[Examples, Examples]:
        """Both parts, whose bytes become what `pixel_range` says."""
        for part in self.parts:
            part.pixel_range = self.pixel_range
        return self.parts

    def __len__(self) -> int:
        """How many distinct ones can be drawn of each kind."""
        return min(map(len, self.parts))

    def draw(self, numbers: tf.Tensor) -> Sample:
        """Pair `(a, b)` of the examples of these numbers, as the sample's examples."""
        return Sample(tuple(part.draw(numbers).examples for part in self.kinds()))

    def look(self) -> np.ndarray:
        """The numbers of the first thousand examples of each kind, in one row."""
        return np.concatenate([np.ravel(part.look()) for part in self.kinds()])

    def steps(self, batch_size: int) -> int:
        """Batches in once through the more numerous kind."""
        return max(part.steps(batch_size) for part in self.parts)

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of both kinds."""
        whole = " ".join(part.fingerprint() for part in self.parts)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def tensors(self) -> list[tf.Tensor]:
        """The tensors of both parts."""
        return [tensor for part in self.parts for tensor in part.tensors]

    @contextlib.contextmanager
    def drawing_from(self, tensors: list[tf.Tensor]) -> Iterator[None]:
        """As of `Examples`, in both parts."""
        first, second = self.parts
        count = len(first.tensors)
        with first.drawing_from(tensors[:count]), second.drawing_from(tensors[count:]):
            yield

    def refill(self, other: Examples) -> bool:
        """As of `Examples`: the data of both parts or none."""
        same = isinstance(other, UnpairedExamples)
        pairs = [*zip(self.parts, other.parts, strict=True)] if same else []
        same = same and all(mine._form() == others._form() for mine, others in pairs)
        if same:
            self.pixel_range = other.pixel_range
        return same and all([mine.refill(others) for mine, others in pairs])

    def equals(self, other: Any) -> bool:
        """As of `Examples`, of both parts."""
        same = isinstance(other, UnpairedExamples)
        pairs = zip(self.kinds(), other.kinds(), strict=True) if same else ()
        return same and all(mine.equals(others) for mine, others in pairs)
