"""A web page that runs a network on pictures that the user drops or draws."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from gan.errors import StrPath, require
from gan.generators.translator import Translator
from gan.pages.describe import Weights, describe
from gan.pages.page import write_running

# The page's names of the layers that compute inputs from pictures.
_KNOWN = {"Shrunk": "shrunk", "Hole": "hole", "Grey": "grey", "Edges": "edges"}


def translator_page(
    path: StrPath,
    translator: Translator,
    title: str = "A picture from a picture",
    examples: np.ndarray | None = None,
) -> None:
    """Writes a page that runs a network on the user's pictures.

    The user drops or chooses a picture, and can draw on it with the mouse or a finger.
    If the network fills holes, drawing makes the hole.

    Args:
        path: str or `os.PathLike`, the page.
        translator: `Translator` with a layer of `gan.conditions`, or trained on pairs.
        title: str, title of the page.
        examples: float array `(n, h, w, c)` in [0, 1], pictures to start with, which
            become part of the page: targets if a layer computes the inputs, otherwise
            inputs. `None` for none.

    Raises:
        InvalidInput: if `network.js` does not support a layer of the network, or the
            page does not support the layer that computes the inputs.
    """
    layer = translator.condition
    kind = _KNOWN.get(type(layer).__name__) if layer is not None else "none"
    said = "The model's condition must be a layer of gan.conditions that a page "
    said += f"supports, but it is {type(layer).__name__}."
    require(kind, said, "model")
    shape = translator.shape if layer is not None else translator.input_shape
    weights = Weights()
    data: dict[str, Any] = {"network": describe(translator.network, weights)}
    data |= {"input": list(translator.input_shape), "output": list(translator.shape)}
    data |= {"kind": kind, "source": list(shape), "range": [*translator.pixel_range]}
    data |= {"factor": getattr(layer, "factor", 1), "latents": None, "hole": None}
    if translator.masked:
        # The page begins with the hole that the model has outside training.
        mask = translator.inputs_of(np.zeros((1, *shape)))[0, ..., -1]
        data["hole"] = mask.ravel().tolist()
    latents = translator.latent_generator
    if latents is not None:
        drawn = getattr(latents, "latent_type", None)
        said = "The latent generator must be one of gan.latent: a page cannot run "
        require(drawn, f"{said}others.", "model")
        data["latents"] = [int(translator.network.input_shape[0][-1]), drawn]
    bytes_ = b""
    if examples is not None:
        examples = np.asarray(examples).reshape(-1, *shape)
        bytes_ = np.uint8(np.rint(255 * np.clip(examples, 0, 1))).tobytes()
    data["examples"] = base64.b64encode(bytes_).decode()
    write_running(path, "translator", title, data | {"weights": str(weights)})
