"""A page on which a network makes pictures from pictures that are dropped or drawn."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from gan.errors import StrPath, require
from gan.generators.translator import Translator
from gan.pages.describe import Weights, describe
from gan.pages.page import write_running

# What the page makes of a picture before the network sees it, by the layer's class.
_KNOWN = {"Shrunk": "shrunk", "Hole": "hole", "Grey": "grey", "Edges": "edges"}


def translator_page(
    path: StrPath,
    translator: Translator,
    title: str = "A picture from a picture",
    examples: np.ndarray | None = None,
) -> None:
    """Write a page on which a network makes pictures from pictures.

    A picture is dropped on it or chosen, and drawn on with the mouse or a finger; of a
    network that fills holes the finger wipes the hole.

    Args:
        path: str or `os.PathLike`, of the page.
        translator: `Translator`, of a layer of `gan.conditions` or of pairs.
        title: str.
        examples: float array in [0, 1] of pictures to start with, which are embedded:
            targets where a layer makes the inputs, else inputs; `None`: none.

    Raises:
        InvalidInput: if the network has a layer that `network.js` does not know, or the
            inputs are made by a layer that the page does not know.
    """
    layer = translator.condition
    kind = _KNOWN.get(type(layer).__name__) if layer is not None else "none"
    said = "A page knows the layers of gan.conditions, but not "
    require(kind, f"{said}{type(layer).__name__}.", "model")
    shape = translator.shape if layer is not None else translator.input_shape
    weights = Weights()
    data: dict[str, Any] = {"network": describe(translator.network, weights)}
    data |= {"input": list(translator.input_shape), "output": list(translator.shape)}
    data |= {"kind": kind, "source": list(shape), "range": [*translator.pixel_range]}
    data |= {"factor": getattr(layer, "factor", 1), "latents": None, "hole": None}
    if translator.masked:
        # Where the hole of training lies, to begin with.
        mask = translator.inputs_of(np.zeros((1, *shape)))[0, ..., -1]
        data["hole"] = mask.ravel().tolist()
    latents = translator.latent_generator
    if latents is not None:
        drawn = getattr(latents, "latent_type", None)
        said = "The model's latents must be of gan.latent, which a page can draw."
        require(drawn, said, "model")
        data["latents"] = [int(translator.network.input_shape[0][-1]), drawn]
    bytes_ = b""
    if examples is not None:
        examples = np.asarray(examples).reshape(-1, *shape)
        bytes_ = np.uint8(np.rint(255 * np.clip(examples, 0, 1))).tobytes()
    data["examples"] = base64.b64encode(bytes_).decode()
    write_running(path, "translator", title, data | {"weights": str(weights)})
