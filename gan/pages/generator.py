"""A web page that runs a generator: new pictures, walls, walks, mixtures."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from gan.errors import StrPath
from gan.generators.axes import strongest
from gan.generators.directions import Direction
from gan.pages.describe import Weights, describe, input_shapes
from gan.pages.page import write_running


def generator_page(
    path: StrPath,
    generator: keras.Model,
    kind: str,
    picture: tuple[np.ndarray, np.ndarray] | None = None,
    discriminator: keras.Model | None = None,
    classes: list[str] | None = None,
    title: str = "This person does not exist",
    nearest: np.ndarray | None = None,
    conditions: np.ndarray | None = None,
    named: Iterable[Direction] = (),
) -> None:
    """Writes a page that runs a generator: new pictures, walls, walks, mixtures.

    Args:
        path: str or `os.PathLike`, the page.
        generator: `keras.Model`, latents (and labels or vectors) -> pictures `(batch,
            h, w, 1 or 3)`.
        kind: str, the `latent_type` of its sampler.
        picture: pair of float arrays `(mean, multiplier)`, each of the shape `(h, w,
            c)` or a single number: a picture in [0, 1] is the output times `multiplier`
            plus `mean`. `None` if outputs are in [0, 1].
        discriminator: `keras.Model` whose output is shown, or `None`.
        classes: list of str to choose from: the names of classes, or of the vectors in
            `conditions`; `None` for a generator that takes only latents.
        title: str, title of the page.
        nearest: uint8 array `(n, h, w, c)`, real pictures, the nearest of which is
            shown; they become part of the page. `None` for none.
        conditions: float array `(len(classes), d)`, vectors for a generator that takes
            vectors, or `None` for labels.
        named: iterable of `Direction`, which get sliders with their names.

    Raises:
        InvalidInput: if a network has a layer that `network.js` does not support.
    """
    weights = Weights()
    dim, shape = input_shapes(generator)[0][-1], list(generator.output_shape[1:])
    drawn = describe(generator, weights)
    data: dict[str, Any] = {"dim": dim, "kind": kind, "shape": shape, "picture": None}
    if picture is not None:
        mean, multiplier = picture
        data["picture"] = [weights.add(multiplier), weights.add(mean)]
    critic = None
    if discriminator is not None:
        sides = discriminator.output_shape
        sides = sides[0] if isinstance(sides, list) else sides
        critic = describe(discriminator, weights) | {"outputs": sides[-1]}
        critic["labelled"] = len(input_shapes(discriminator)) > 1
    seen = None
    if nearest is not None:
        seen = base64.b64encode(np.ascontiguousarray(nearest, np.uint8)).decode()
    data |= {"generator": drawn, "discriminator": critic, "nearest": seen}
    vectors = None if conditions is None else np.asarray(conditions, float).tolist()
    data |= {"classes": classes, "conditions": vectors}
    named, others = [*named], strongest(generator, dim)
    rows = [one.latents for one in named] + [*others]
    mixes = [None if one.classes is None else one.classes.tolist() for one in named]
    data |= {"directions": [np.asarray(row).tolist() for row in rows]}
    data |= {"names": [one.name for one in named] + [None] * len(others)}
    data |= {"mixes": mixes + [None] * len(others)}
    data |= {"weights": str(weights)}
    write_running(path, "generator", title, data, "project")
