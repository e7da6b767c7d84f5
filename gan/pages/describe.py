"""Describes networks for web pages, so that the browser can run them.

`static/network.js` supports exactly the layers in `_LAYERS`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gan.errors import require

_ACTIVATIONS = "linear tanh sigmoid relu elu softplus softmax leaky_relu".split()


class Weights:
    """Concatenated arrays, encoded as half-precision floats in base64.

    Attributes:
        size: int, how many numbers there are.
    """

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self.size: int = 0

    def add(self, array: Any) -> list[int]:
        """Append an array; return `[start, size]`, the position of its numbers."""
        numbers = np.ravel(np.asarray(array, np.float32))
        fits = np.isfinite(numbers).all() and np.abs(numbers).max(initial=0) <= 65504
        said = "The weights must be finite and at most 65504, the largest half float."
        require(fits, said, "network")
        self._parts.append(numbers.astype("<f2"))
        self.size += numbers.size
        return [self.size - numbers.size, numbers.size]

    def __str__(self) -> str:
        return base64.b64encode(b"".join(p.tobytes() for p in self._parts)).decode()

    @classmethod
    def together(cls, several: list[Weights]) -> str:
        """Encode several `Weights`, one after the other, as one text."""
        one = cls()
        one._parts = [part for weights in several for part in weights._parts]
        return str(one)


def describe(network: keras.Model, weights: Weights) -> dict[str, Any]:
    """Describes a network for the function `makeNetwork` of `network.js`.

    Args:
        network: `keras.Model`, functional or sequential, of Keras's own layers.
        weights: `Weights`, to which the network's weights are appended.

    Returns:
        Dict of `layers` and `output`, the number of the last layer. Inputs and then
        layers are numbered in order; each layer lists the numbers of its sources.

    Raises:
        InvalidInput: if `network.js` does not support a layer or its settings.
    """
    shapes = input_shapes(network)
    drawn = _Description(weights, [shape[1:] for shape in shapes])
    output = drawn.network(network, [*range(len(shapes))])
    return {"layers": drawn.layers, "output": output}


def input_shapes(network: keras.Model) -> list[tuple[int | None, ...]]:
    """The shape of each input of a network."""
    shape = network.input_shape
    return shape if isinstance(shape, list) else [shape]


class _Description:
    def __init__(self, weights, shapes):
        self.weights = weights
        self.shapes = shapes
        self.layers = []

    def network(self, network, sources):
        """Describe all layers of a network; return the number of its output."""
        if isinstance(network, keras.Sequential):
            for layer in network.layers:
                sources = [self.layer(layer, sources)]
            return sources[0]
        config = network.get_config()
        inputs = _names(config["input_layers"])
        made = dict(zip(inputs, sources, strict=True))
        for one in config["layers"]:
            if one["name"] in made:
                continue
            layer, nodes = network.get_layer(one["name"]), one["inbound_nodes"]
            _expect(len(nodes) == 1, layer, "be used once")
            made[one["name"]] = self.layer(layer, [made[n] for n in _sources(nodes)])
        # The first output of AC-GAN's discriminator is "real", the second the class.
        return made[_names(config["output_layers"])[0]]

    def layer(self, layer, sources):
        """Describe one layer; return the number of its output."""
        if isinstance(layer, keras.Model):
            return self.network(layer, sources)
        name = type(layer).__name__
        known = name in _LAYERS and type(layer).__module__.startswith("keras.")
        _expect(known, layer, f"be one of {', '.join(_LAYERS)}, not {name}")
        shapes = [(None, *self.shapes[source]) for source in sources]
        shape = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        description = _LAYERS[name](layer, shapes)
        if description is None:
            return sources[0]
        arrays = description.pop("weights", [])
        several = {"from": sources, "shape": list(shape[1:])}
        several["weights"] = [self.weights.add(array) for array in arrays]
        doubling = self._doubling(description, sources[0])
        if doubling is not None:
            several |= {"from": doubling["from"], "doubled": True}
            low = [side // 2 for side in shape[1:3]]
            description |= {"op": "transposed", "input": [*low, shapes[0][3]]}
            description |= {"size": [4, 4], "strides": [2, 2], "before": [1, 1]}
        return self.append(description | several)

    def append(self, description):
        """Add a layer's description; return the number of its output."""
        self.layers.append(description)
        self.shapes.append(tuple(description["shape"]))
        return len(self.shapes) - 1

    def _doubling(self, description, source):
        """The layer before, if it doubles the pixels for a 3×3 convolution."""
        inputs = len(self.shapes) - len(self.layers)
        before = self.layers[source - inputs] if source >= inputs else {}
        doubled = before.get("op") == "upsample" and before["size"] == [2, 2]
        if not doubled or before["bilinear"] or description["op"] != "conv":
            return None
        kind = (description["size"], description["strides"], description["before"])
        return before if kind == ([3, 3], [1, 1], [1, 1]) else None


def _names(places):
    """Names of layers from `[name, node, tensor]` or a list of such."""
    return [part for part in keras.tree.flatten(places) if isinstance(part, str)]


def _sources(value):
    """Names of the layers that a serialized call's tensors come from."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"][0]]
        value = [*value.values()]
    if isinstance(value, (list, tuple)):
        return [name for one in value for name in _sources(one)]
    return []


# Each function below takes a layer and the shapes of its inputs. It returns the layer's
# description, or None if the layer has no effect after training. `_expect` checks that
# network.js supports the settings.
def _expect(condition, layer, wanted):
    said = f"For a page to run it, the layer {layer.name} must {wanted}."
    require(condition, said, "network")


def _expect_last_axis(layer, shapes):
    _expect(layer.axis in (-1, len(shapes[0]) - 1), layer, "work along the last axis")


def _activation(layer):
    name = keras.activations.serialize(layer.activation)
    known = ", ".join(_ACTIVATIONS)
    _expect(
        name in _ACTIVATIONS, layer, f"have an activation among {known}, not {name}"
    )
    return {"activation": name, "slope": 0.2}


def _weights(layer, kernel=None):
    kernel = np.asarray(layer.kernel) if kernel is None else kernel
    bias = [] if layer.bias is None else [layer.bias]
    return {"weights": [kernel, *bias]}


def _plain(layer, shapes):
    (shape,) = shapes
    plain = layer.data_format == "channels_last" and {*layer.dilation_rate} == {1}
    plain = plain and getattr(layer, "groups", 1) == 1 and layer.padding != "causal"
    plain = plain and getattr(layer, "output_padding", None) is None
    _expect(plain, layer, "be a convolution of one group without dilation")
    numbers = {"input": list(shape[1:]), "size": list(layer.kernel_size)}
    return numbers | {"strides": list(layer.strides)} | _activation(layer)


def _conv(layer, shapes):
    found = _plain(layer, shapes)
    return {"op": "conv", "before": _before(layer, found)} | found | _weights(layer)


def _before(layer, found):
    """Numbers of pixels that TensorFlow adds at the top and on the left."""
    sides = zip(found["input"], found["size"], found["strides"], strict=False)
    spare = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in sides]
    return [n // 2 if layer.padding == "same" else 0 for n in spare]


def _transposed(layer, shapes):
    found = _plain(layer, shapes)
    spare = [
        max(k - s, 0) for k, s in zip(found["size"], found["strides"], strict=True)
    ]
    before = [n // 2 if layer.padding == "same" else 0 for n in spare]
    kernel = np.transpose(layer.kernel, (0, 1, 3, 2))
    return {"op": "transposed", "before": before} | found | _weights(layer, kernel)


def _upsample(layer, shapes):
    bilinear = layer.interpolation == "bilinear"
    known = bilinear or layer.interpolation == "nearest"
    _expect(known, layer, "interpolate by nearest or bilinear")
    return {"op": "upsample", "size": list(layer.size), "bilinear": bilinear}


def _resize(layer, shapes):
    """Describe resizing by a matrix for rows and one for columns, as in Keras."""
    _expect(not layer.crop_to_aspect_ratio, layer, "keep all of the picture")
    height, width, _ = shapes[0][1:]
    # Resize pictures in which one row, or one column, is 1.
    rows = layer(np.eye(height, dtype="f4")[..., None, None].repeat(width, 2))
    columns = layer(np.eye(width, dtype="f4")[:, None, :, None].repeat(height, 1))
    rows, columns = np.asarray(rows)[:, :, 0, 0], np.asarray(columns)[:, 0, :, 0]
    return {"op": "resize", "input": [height, width], "weights": [rows, columns]}


def _crop(layer, shapes):
    before = [first for first, _ in layer.cropping]
    return {"op": "crop", "input": list(shapes[0][1:]), "before": before}


def _norm(layer, shapes):
    _expect_last_axis(layer, shapes)
    size = shapes[0][-1]
    scale = np.ones(size) if layer.gamma is None else np.asarray(layer.gamma)
    shift = np.zeros(size) if layer.beta is None else np.asarray(layer.beta)
    variance = np.asarray(layer.moving_variance) + layer.epsilon
    factor = scale / np.sqrt(variance)
    shift = shift - factor * np.asarray(layer.moving_mean)
    return {"op": "affine", "weights": [factor, shift]}


def _rescaling(layer, shapes):
    return {"op": "affine", "weights": [[layer.scale], [layer.offset]]}


def _pool(layer, shapes, mean=False):
    _expect(layer.data_format == "channels_last", layer, "have its channels last")
    numbers = {"input": list(shapes[0][1:]), "size": list(layer.pool_size)}
    numbers["strides"] = list(layer.strides)
    return {"op": "pool", "mean": mean} | numbers | {"before": _before(layer, numbers)}


def _together(op):
    def describe_one(layer, shapes):
        _expect(len({*shapes}) == 1, layer, f"take equal shapes, not {shapes}")
        return {"op": op}

    return describe_one


def _concatenate(layer, shapes):
    _expect_last_axis(layer, shapes)
    return {"op": "concatenate", "widths": [shape[-1] for shape in shapes]}


def _leaky(layer, shapes):
    slope = float(layer.negative_slope)
    return {"op": "activation", "activation": "leaky_relu", "slope": slope}


def _relu(layer, shapes):
    plain = layer.max_value is None and not (layer.negative_slope or layer.threshold)
    _expect(plain, layer, "be a ReLU without limits")
    return {"op": "activation", "activation": "relu"}


def _dot(layer, shapes):
    vectors = {len(shape) for shape in shapes} == {2} and not layer.normalize
    _expect(vectors, layer, "be a dot product of vectors")
    return {"op": "dot"}


def _softmax(layer, shapes):
    _expect_last_axis(layer, shapes)
    return {"op": "activation", "activation": "softmax"}


_LAYERS: dict[str, Callable[..., dict[str, Any] | None]] = {
    "Dense": lambda layer, _: {"op": "dense"} | _activation(layer) | _weights(layer),
    "Reshape": lambda layer, _: {"op": "reshape"},
    "Permute": lambda layer, shapes: {
        "op": "permute",
        "input": list(shapes[0][1:]),
        "order": [axis - 1 for axis in layer.dims],
    },
    "Flatten": lambda layer, _: {"op": "reshape"},
    "UpSampling2D": _upsample,
    "Resizing": _resize,
    "Cropping2D": _crop,
    "Conv2D": _conv,
    "Conv2DTranspose": _transposed,
    "MaxPooling2D": _pool,
    "AveragePooling2D": lambda layer, shapes: _pool(layer, shapes, mean=True),
    "BatchNormalization": _norm,
    "Rescaling": _rescaling,
    "LeakyReLU": _leaky,
    "Softmax": _softmax,
    "ReLU": _relu,
    "Activation": lambda layer, _: {"op": "activation"} | _activation(layer),
    "Dropout": lambda layer, _: None,
    "GaussianNoise": lambda layer, _: None,
    "Add": _together("add"),
    "Multiply": _together("multiply"),
    "Dot": _dot,
    "Concatenate": _concatenate,
    "Embedding": lambda layer, _: {"op": "embedding", "weights": [layer.embeddings]},
}
