"""Pages of HTML that run networks in the browser: one file each, nothing fetched.

`page/network.js` knows the same layers as `_LAYERS` here and nothing else.
"""

from __future__ import annotations

import base64
import html
import json
import pathlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan.errors import StrPath, expect
from gan.saving.files import atomic_path, expect_writable

if TYPE_CHECKING:
    from gan.base import AdversarialModel

_FOLDER = pathlib.Path(__file__).parent / "page"
_ACTIVATIONS = "linear tanh sigmoid relu elu softplus softmax leaky_relu".split()


class Weights:
    """Arrays one after the other, written as half floats in base64.

    Attributes:
        size: int, how many numbers they are.
    """

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self.size = 0

    def add(self, array: Any) -> list[int]:
        """Take an array; give `[start, size]` of where its numbers stand."""
        numbers = np.ravel(np.asarray(array, np.float32))
        fits = np.isfinite(numbers).all() and np.abs(numbers).max(initial=0) <= 65504
        expect(fits, "finite weights of at most 65504, for half floats", weights=array)
        self._parts.append(numbers.astype("<f2"))
        self.size += numbers.size
        return [self.size - numbers.size, numbers.size]

    def __str__(self) -> str:
        return base64.b64encode(b"".join(p.tobytes() for p in self._parts)).decode()

    @classmethod
    def together(cls, several: list[Weights]) -> str:
        """Some weights, one after the other, as one text."""
        one = cls()
        one._parts = [part for weights in several for part in weights._parts]
        return str(one)


def describe(network: keras.Model, weights: Weights) -> dict[str, Any]:
    """What `makeNetwork` of `network.js` makes an equal network of.

    Args:
        network: `keras.Model`, functional or sequential, of Keras's own layers.
        weights: `Weights` that take the network's.

    Returns:
        Dict of `layers`, whose sources are numbers of the inputs and then of the layers
        in their order, and `output`, the number of the last.

    Raises:
        InvalidInput: if `network.js` does not know a layer, or what it is set to.
    """
    shapes = _input_shapes(network)
    drawn = _Description(weights, [shape[1:] for shape in shapes])
    output = drawn.network(network, [*range(len(shapes))])
    return {"layers": drawn.layers, "output": output}


def _input_shapes(network):
    shape = network.input_shape
    return shape if isinstance(shape, list) else [shape]


class _Description:
    def __init__(self, weights, shapes):
        self.weights = weights
        self.shapes = shapes
        self.layers = []

    def network(self, network, sources):
        """Describe all layers of a network; give the number of its output."""
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
            nodes = one["inbound_nodes"]
            single = len(nodes) == 1
            expect(single, "layers that are used once", layer=one["name"])
            layer = network.get_layer(one["name"])
            made[one["name"]] = self.layer(layer, [made[n] for n in _sources(nodes)])
        # AC-GAN's discriminator says "real" first, and then the class.
        return made[_names(config["output_layers"])[0]]

    def layer(self, layer, sources):
        """Describe one layer; give the number of its output."""
        if isinstance(layer, keras.Model):
            return self.network(layer, sources)
        name = type(layer).__name__
        known = name in _LAYERS and type(layer).__module__.startswith("keras.")
        expect(
            known, f"layers among {', '.join(_LAYERS)}", layer=f"{name} {layer.name}"
        )
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
        """Add a layer's description; give the number of its output."""
        self.layers.append(description)
        self.shapes.append(tuple(description["shape"]))
        return len(self.shapes) - 1

    def _doubling(self, description, source):
        """The layer before, where it doubles the pixels for a 3×3 convolution."""
        inputs = len(self.shapes) - len(self.layers)
        before = self.layers[source - inputs] if source >= inputs else {}
        doubled = before.get("op") == "upsample" and before["size"] == [2, 2]
        if not doubled or before["bilinear"] or description["op"] != "conv":
            return None
        kind = (description["size"], description["strides"], description["before"])
        return before if kind == ([3, 3], [1, 1], [1, 1]) else None


def _names(places):
    """Names of layers from `[name, node, tensor]` or a list or dict of such."""
    places = [*places.values()] if isinstance(places, dict) else places
    return [places[0]] if isinstance(places[0], str) else [p[0] for p in places]


def _sources(value):
    """Names of the layers that a serialized call's tensors come from."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"][0]]
        value = [*value.values()]
    if isinstance(value, (list, tuple)):
        return [name for one in value for name in _sources(one)]
    return []


# Layer and its inputs' shapes -> what network.js is told, or None where it does nothing
# once trained. `expect` in each says what of a layer's settings network.js knows.
def _activation(layer):
    name = keras.activations.serialize(layer.activation)
    known = name in _ACTIVATIONS
    expected = f"activations among {', '.join(_ACTIVATIONS)}"
    expect(known, expected, layer=layer.name, activation=name)
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
    expect(plain, "convolutions of one group without dilation", layer=layer.name)
    numbers = {"input": list(shape[1:]), "size": list(layer.kernel_size)}
    return numbers | {"strides": list(layer.strides)} | _activation(layer)


def _conv(layer, shapes):
    found = _plain(layer, shapes)
    sides = zip(found["input"], found["size"], found["strides"], strict=False)
    spare = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in sides]
    before = [n // 2 if layer.padding == "same" else 0 for n in spare]
    return {"op": "conv", "before": before} | found | _weights(layer)


def _transposed(layer, shapes):
    found = _plain(layer, shapes)
    spare = [
        max(k - s, 0) for k, s in zip(found["size"], found["strides"], strict=True)
    ]
    before = [n // 2 if layer.padding == "same" else 0 for n in spare]
    kernel = np.transpose(layer.kernel, (0, 1, 3, 2))
    return {"op": "transposed", "before": before} | found | _weights(layer, kernel)


def _upsample(layer, shapes):
    kinds = ("nearest", "bilinear")
    expect(layer.interpolation in kinds, f"interpolation of {kinds}", layer=layer.name)
    bilinear = layer.interpolation == "bilinear"
    return {"op": "upsample", "size": list(layer.size), "bilinear": bilinear}


def _norm(layer, shapes):
    last = layer.axis in (-1, len(shapes[0]) - 1)
    expect(last, "normalisation of the last axis", layer=layer.name)
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
    plain = (layer.strides, layer.padding) == (layer.pool_size, "valid")
    expect(plain, "windows side by side", layer=layer.name)
    numbers = {"input": list(shapes[0][1:]), "size": list(layer.pool_size)}
    return {"op": "pool", "mean": mean} | numbers


def _together(op):
    def describe_one(layer, shapes):
        same = len({*shapes}) == 1
        expect(same, "equal shapes", layer=layer.name, shapes=shapes)
        return {"op": op}

    return describe_one


def _concatenate(layer, shapes):
    last = layer.axis in (-1, len(shapes[0]) - 1)
    expect(last, "concatenation of the last axis", layer=layer.name)
    return {"op": "concatenate", "widths": [shape[-1] for shape in shapes]}


def _leaky(layer, shapes):
    slope = float(layer.negative_slope)
    return {"op": "activation", "activation": "leaky_relu", "slope": slope}


def _relu(layer, shapes):
    plain = layer.max_value is None and not (layer.negative_slope or layer.threshold)
    expect(plain, "a ReLU without limits", layer=layer.name)
    return {"op": "activation", "activation": "relu"}


def _dot(layer, shapes):
    vectors = {len(shape) for shape in shapes} == {2} and not layer.normalize
    expect(vectors, "a dot product of vectors", layer=layer.name)
    return {"op": "dot"}


def _softmax(layer, shapes):
    expect(layer.axis in (-1, len(shapes[0]) - 1), "the last axis", layer=layer.name)
    return {"op": "activation", "activation": "softmax"}


_LAYERS: dict[str, Callable[..., dict[str, Any] | None]] = {
    "Dense": lambda layer, _: {"op": "dense"} | _activation(layer) | _weights(layer),
    "Reshape": lambda layer, _: {"op": "reshape"},
    "Flatten": lambda layer, _: {"op": "reshape"},
    "UpSampling2D": _upsample,
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


def write_page(path: StrPath, name: str, title: str, **parts: str) -> None:
    """Write a page from `page/name.html`, whose comments in capitals are replaced.

    Args:
        path: str or `os.PathLike`, of the page.
        name: str, of the template.
        title: str, which is shown as it is, whatever it holds.
        **parts: str, HTML by the names of comments.
    """
    parts |= {"STYLE": (_FOLDER / "style.css").read_text(encoding="utf-8")}
    page = (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    # All at once: what was put in is not looked at again.
    page = re.sub(
        r"<!--([A-Z]+)-->",
        lambda found: (parts | {"TITLE": html.escape(title)})[found[1]],
        page,
    )
    with atomic_path(expect_writable(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _write_running(path, name, title, data):
    """Write a page with `network.js`, a script of its own and data."""
    scripts = [(_FOLDER / f"{n}.js").read_text("utf-8") for n in ("network", name)]
    # No "</script>" can stand in the data.
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    write_page(path, name, title, SCRIPT="\n".join(scripts), DATA=text)


def directions(network: keras.Model, dim: int, count: int = 6) -> np.ndarray:
    """The latents' directions that the first dense layer answers most strongly.

    Args:
        network: `keras.Model`, a generator.
        dim: int, latent dimension.
        count: int, at most so many.

    Returns:
        Float array `(k, dim)`, orthonormal rows, the strongest first; none where no
        dense layer takes the latents.

    Formula:
        the left singular vectors of the first kernel's rows that meet the latents

    Reference:
        Shen & Zhou 2021, Closed-Form Factorization of Latent Semantics in GANs, eq. 4.
    """
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            return directions(layer, dim, count)
        if isinstance(layer, keras.layers.Dense) and layer.kernel.shape[0] >= dim:
            return np.linalg.svd(np.asarray(layer.kernel)[:dim])[0].T[:count]
    return np.zeros((0, dim))


def generator_page(
    path: StrPath,
    generator: keras.Model,
    kind: str,
    picture: tuple[np.ndarray, np.ndarray] | None = None,
    discriminator: keras.Model | None = None,
    classes: list[str] | None = None,
    title: str = "This person does not exist",
    nearest: np.ndarray | None = None,
) -> None:
    """Write a page on which a generator runs: new pictures, walls, walks, mixtures.

    Args:
        path: str or `os.PathLike`, of the page.
        generator: `keras.Model`, latents (and labels) -> pictures `(h, w, 1 or 3)`.
        kind: str, the `latent_type` of its sampler.
        picture: pair of float arrays `(mean, multiplier)`, of which a picture is the
            output times `multiplier` plus `mean`, to lie in [0, 1]; `None`: it does.
        discriminator: `keras.Model` whose opinion is shown, or `None`.
        classes: list of str, their names, or `None` for a generator without labels.
        title: str.
        nearest: uint8 array `(n, h, w, c)`, real pictures of which the nearest is
            shown; it is embedded.

    Raises:
        InvalidInput: if a network has a layer that `network.js` does not know.
    """
    weights = Weights()
    dim, shape = _input_shapes(generator)[0][-1], list(generator.output_shape[1:])
    drawn = describe(generator, weights)
    data: dict[str, Any] = {"dim": dim, "kind": kind, "shape": shape, "picture": None}
    if picture is not None:
        mean, multiplier = picture
        data["picture"] = [weights.add(multiplier), weights.add(mean)]
    judged = None
    if discriminator is not None:
        sides = discriminator.output_shape
        sides = sides[0] if isinstance(sides, list) else sides
        judged = describe(discriminator, weights) | {"outputs": sides[-1]}
        judged["labelled"] = len(_input_shapes(discriminator)) > 1
    seen = None
    if nearest is not None:
        seen = base64.b64encode(np.ascontiguousarray(nearest, np.uint8)).decode()
    data |= {"generator": drawn, "discriminator": judged, "nearest": seen}
    data |= {"classes": classes, "directions": directions(generator, dim).tolist()}
    _write_running(path, "generator", title, data | {"weights": str(weights)})


class Recording:
    """A training as a film: the weights of its epochs, and its logs.

    Args:
        name: str, what the run is called.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._frames: list[tuple[int, dict[str, Any], Weights]] = []

    def add(self, model: AdversarialModel, epoch: int) -> None:
        """Keep the networks as they are after an epoch."""
        drawn = model.averaged_generator or model.generator
        weights = Weights()
        networks = {"generator": describe(drawn, weights), "first": weights.size}
        networks["discriminator"] = describe(model.discriminator, weights)
        networks["size"] = weights.size
        self._frames.append((epoch, networks, weights))

    def data(self, model: AdversarialModel, frames: int) -> dict[str, Any]:
        """What `film.js` shows of the run, in so many frames at most."""
        count = len(self._frames)
        chosen = np.unique(np.linspace(0, count - 1, min(frames, count)).round())
        picked = [self._frames[int(number)] for number in chosen]
        sampler: Any = model.latent_generator
        # The run does not hear of it.
        most = min(400, model.batch_size, model.examples.at_hand)
        with model.stream.anew(0):
            real = model.get_real_sample(most)
        real = np.asarray(real[0] if isinstance(real, tuple) else real)
        middle, reach = real.mean(), 0.75 * np.ptp(real) or 1.0
        logs = model.history.history if model.history else {}
        finite = {
            name: [float(v) for v in np.nan_to_num(values)]
            for name, values in logs.items()
            if name in model.log_names
        }
        return picked[-1][1] | {
            "name": self.name,
            "epochs": [epoch for epoch, *_ in picked],
            "weights": Weights.together([weights for *_, weights in picked]),
            "points": real.shape[1],
            "real": np.round(real, 4).ravel().tolist(),
            "bounds": [float(middle - reach), float(middle + reach)],
            "dim": _input_shapes(model.generator)[0][-1],
            "kind": sampler.latent_type,
            "classes": model.classes,
            "labelled": len(_input_shapes(model.discriminator)) > 1,
            "logs": finite,
        }


def film_page(
    path: StrPath, runs: list[dict[str, Any]], title: str = "A training"
) -> None:
    """Write a page on which trainings of points are films, side by side.

    Args:
        path: str or `os.PathLike`, of the page.
        runs: list of what `Recording.data` gives.
        title: str.
    """
    _write_running(path, "film", title, {"runs": runs})
