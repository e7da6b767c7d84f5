"""The demo set of this library: 10,000 drawn faces of 16×16 pixels."""

from __future__ import annotations

import dataclasses
import json
from typing import Literal

import numpy as np

from gan.data.pictures import Pictures
from gan.errors import expect_choice, require, shown
from gan.support.shipped import DEMO_PICTURES, SHIPPED

# For each name that `having` takes: the attribute, and the beginnings of those of its
# values that count.
_HAVING = {
    "smiling": ("mouth", ("happy",)),
    "glasses": ("glasses", ("light", "dark")),
    "dark glasses": ("glasses", ("dark",)),
    "beard": ("beard", ("variant",)),
    "hat": ("hat", ("variant",)),
    "long hair": ("hair", ("long",)),
}


@dataclasses.dataclass(frozen=True, eq=False)
class PixelFaces(Pictures):
    """Drawn faces with labels and attributes.

    Attributes:
        pictures: uint8 array `(N, 16, 16, 3)`.
        labels: int32 array `(N,)`, indices into `names`.
        names: list of eight str, "happy long", "happy long glasses" and so on: mouth,
            hair, and glasses if there are any.
        attributes: dict from mouth, eyes, hair, clothing, glasses, beard, hat,
            skinColor, hairColor, clothingColor, eyesColor and mouthColor to arrays of
            str `(N,)`, such as "happy03", "none" or the colour "ffdbac".
    """

    attributes: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def having(self, name: str) -> np.ndarray:
        """Which faces have an attribute.

        Args:
            name: str, "smiling", "glasses", "dark glasses", "beard", "hat" or "long
                hair".

        Returns:
            Bool array `(N,)`.
        """
        expect_choice(_HAVING, name=name)
        attribute, beginnings = _HAVING[name]
        values = self.attributes[attribute]
        return np.any([np.char.startswith(values, one) for one in beginnings], axis=0)


def pixel_faces(
    part: Literal["train", "test", "sad", "happy"] = "train",
) -> PixelFaces:
    """Loads the demo set: drawn faces in colour, which need no download.

    Args:
        part: str, "train" for 9,000 faces, "test" for 1,000 others; or "sad" and
            "happy" for 1,000 more pairs of faces. The faces of a pair have the same
            index and differ only in the mouth, in rows 9 and 10, columns 6 to 9.

    Returns:
        `PixelFaces`.

    Reference:
        @dicebear/pixel-art 9.4.3, by Florian Körner, CC0 1.0; see faces/README.md.

    Example:

    ```python
    faces = gan.data.pixel_faces()
    smiling = faces.pictures[faces.having("smiling")]
    ```
    """
    expect_choice(("train", "test", "sad", "happy"), part=part)
    path = SHIPPED / DEMO_PICTURES
    said = f"The file of the demo set, {shown(str(path))}, is missing: install the "
    said += "library again."
    require(path.is_file(), said, "part")
    with np.load(path, allow_pickle=False) as file:
        names = [str(name) for name in file["attribute_names"]]
        values = json.loads(str(file["values"]))
        kinds, known = np.unique(file["y_train"]), part in ("train", "test")
        count = len(file["y_train"])
        rows = {"train": slice(count), "test": slice(count, None)}.get(
            part, slice(None)
        )
        table = file["attributes" if known else "pair_attributes"][rows]
        pictures = file[f"x_{part}" if known else part]
    found = {name: np.array(values[name])[table[:, i]] for i, name in enumerate(names)}
    if part == "sad":
        # For pairs, the file holds the mouth of the happy face.
        found["mouth"] = np.full(len(table), "sad")
    classes = [_class_of(*three) for three in zip(*_three(found), strict=True)]
    labels = np.searchsorted(kinds, classes).astype(np.int32)
    return PixelFaces(pictures, labels, [*map(str, kinds)], attributes=found)


def _three(attributes):
    return attributes["mouth"], attributes["hair"], attributes["glasses"]


def _class_of(mouth, hair, glasses):
    words = [mouth.rstrip("0123456789"), hair.rstrip("0123456789")]
    return " ".join(words + ["glasses"] * (glasses != "none"))
