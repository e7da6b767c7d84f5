"""Checks of a model's networks, latent sampler and augmentation."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gan.errors import require, shown, warn
from gan.latent import of_dimension
from gan.support.devices import only_cpu
from gan.training.inputs import (
    condition_shape,
    count_embedded,
    latent_shape,
    picture_condition,
    takes_condition,
)


def expect_networks(
    generator: keras.Model, discriminator: keras.Model, outputs: int | None
) -> None:
    """Expects built float32 networks that fit together and share no layers.

    Args:
        generator: `keras.Model`, latents -> examples.
        discriminator: `keras.Model`, examples -> `(batch, outputs)`.
        outputs: int, or `None` for any number of outputs.

    Raises:
        InvalidInput: if they are anything else.
    """
    expect_network("generator", generator)
    expect_network("discriminator", discriminator)
    wanted = discriminator.input_shape
    if picture_condition(discriminator):
        wanted, given = wanted
        _expect_pictures(generator, given)
    elif takes_condition(discriminator):
        wanted = wanted[0]
        _expect_conditions(generator, discriminator)
    else:
        require(
            outputs is None or not takes_condition(generator),
            "The discriminator must take labels, because the generator does: make it "
            "a keras.Model([examples, labels], outputs).",
            "discriminator",
        )
    require(
        generator.output_shape == wanted,
        f"The generator gives examples of the shape {generator.output_shape}, but the "
        f"discriminator takes {wanted}: change one of the two.",
        "generator",
    )
    require(
        outputs is None or discriminator.output_shape == (None, outputs),
        f"The discriminator must give outputs of the shape (None, {outputs}), but it "
        f"gives {discriminator.output_shape}.",
        "discriminator",
    )
    known = {id(weight) for weight in generator.variables}
    shared = [w.path for w in discriminator.variables if id(w) in known]
    require(
        not shared,
        f"The networks must share no weights, but both have {', '.join(shared[:3])}.",
        "discriminator",
    )


def expect_network(name: str, network: object) -> None:
    """Expects a network that this library can train.

    Args:
        name: str, "generator" or "discriminator".
        network: the argument, a built functional or sequential `keras.Model`.

    Raises:
        InvalidInput: if it is anything else.
    """
    old = type(network).__module__.startswith("tf_keras")
    said = f"The {name} is a model of tf_keras: make it with keras."
    require(not old, said, name)
    require(
        isinstance(network, keras.Model)
        and network.built
        and hasattr(network, "outputs"),
        f"The {name} must be a built keras.Model, functional or sequential (begin a "
        f"Sequential with keras.Input), but it is {shown(network)}.",
        name,
    )
    said = f"The {name} has no weights: give it a layer that has some."
    require(network.variables, said, name)
    channels = {getattr(layer, "data_format", None) for layer in network.layers}
    # On a CPU, TensorFlow has no gradient of convolutions with channels first.
    fits = "channels_first" not in channels or not only_cpu()
    said = f"The {name} must have layers of data_format='channels_last' on a CPU."
    require(fits, said, name)
    for side, found in (("take", _inputs(network)), ("give", _outputs(network))):
        require(
            not isinstance(found, dict),
            f"The {name} must {side} tensors, not a dict of them by the names "
            f"{shown(found)}: make it a keras.Model(inputs, outputs) of tensors or "
            "lists of them.",
            name,
        )
    tensors = [*network.inputs, *network.outputs]
    kinds = {tensor.dtype for tensor in tensors if "float" in tensor.dtype}
    require(
        kinds == {"float32"},
        f"The {name} must take and give float32, but its dtypes are "
        f"{', '.join(sorted(kinds)) or 'none of floats'}: give its last layer "
        "dtype='float32', as in Keras's guide to mixed precision.",
        name,
    )


def _expect_conditions(generator, discriminator):
    """Expect two networks that take the same condition."""
    shapes = [generator.input_shape, discriminator.input_shape]
    found = [condition_shape(network) for network in (generator, discriminator)]
    require(
        takes_condition(generator)
        and all(len(shape) == 2 for shape in shapes)
        and found[0] == found[1],
        "Both networks must take the same condition as second input, such as "
        "keras.Input((), dtype='int32') for one label per example or "
        "keras.Input((5,)) for five numbers, but the shapes of their conditions are "
        f"{shown([shape[1:] for shape in shapes])}.",
        "generator",
    )
    counts = [count_embedded(generator), count_embedded(discriminator)]
    require(
        found[0] != () or counts[0] and counts[0] == counts[1],
        "Both networks must have an Embedding with the same number of classes, "
        f"but they know {counts[0]} and {counts[1]}.",
        "generator",
    )


def _expect_pictures(generator, given):
    """Expect a generator that takes the same pictures as the discriminator."""
    takes = generator.input_shape
    takes = takes if isinstance(takes, list) else [takes]
    require(
        takes[-1] == given and len(takes) <= 2,
        "The generator must take the pictures that the discriminator takes beside the "
        f"examples, {given}, alone or as [latents, pictures], but it takes "
        f"{shown(generator.input_shape)}.",
        "generator",
    )


def _inputs(network):
    """A network's inputs in their original structure; a dict of one is a tensor."""
    found = getattr(network, "input", None)
    return [*found.values()] if isinstance(found, dict) and len(found) == 1 else found


def _outputs(network):
    """A network's outputs in their original structure."""
    inputs = network.inputs
    return network.compute_output_spec(inputs if len(inputs) > 1 else inputs[0])


def expect_augment(augment: object, generator: keras.Model) -> None:
    """Expect a differentiable layer that keeps the shape of examples, or `None`."""
    if augment is None:
        return
    layer = isinstance(augment, keras.layers.Layer)
    said = f"The argument augment must be a keras Layer or None, but it is {augment!r}."
    require(layer, said, "augment")
    shapes = generator.output_shape
    for shape in shapes if isinstance(shapes, list) else [shapes]:
        _expect_change(augment, shape[1:])


def _expect_change(augment, shape):
    examples = tf.random.stateless_uniform((2, *shape), (0, 0))
    with tf.GradientTape() as tape:
        tape.watch(examples)
        changed = augment(examples, training=True)
    require(
        changed.shape == examples.shape,
        f"The layer augment must keep the examples' shape {tuple(examples.shape[1:])}, "
        f"but it gives {tuple(changed.shape[1:])}.",
        "augment",
    )
    require(
        tape.gradient(changed, examples) is not None,
        "The layer augment must be differentiable, but TensorFlow finds no gradient "
        "of what it gives.",
        "augment",
    )


def expect_latents(
    latent_generator: Callable[[int], tf.Tensor], generator: keras.Model
) -> tuple[Callable[[int], tf.Tensor], bool]:
    """Expects a sampler of latents that fit the generator.

    The sampler is called symbolically, so that TensorFlow's random state does not
    change. A sampler that draws with NumPy is wrapped, with a warning.

    Returns:
        Tuple of the sampler, and whether a resumed run draws the same latents.
    """
    shape = latent_shape(generator)
    if len(shape) == 1:
        latent_generator = of_dimension(latent_generator, shape[0])
    require(
        callable(latent_generator) and _takes_one(latent_generator),
        "The argument latent_generator must be callable with the number of latents, "
        "such as gan.latent.LatentGenerator(dim) or lambda k: gan.normal_generator(k, "
        f"dim), but it is {shown(latent_generator)}.",
        "latent_generator",
    )
    drawn = None

    def draw():
        nonlocal drawn
        drawn = latent_generator(2)
        return tf.zeros(())

    graph = tf.function(draw, autograph=False).get_concrete_function().graph
    found = tuple(drawn.shape) if hasattr(drawn, "shape") else type(drawn).__name__
    require(
        found == (2, *shape),
        f"The argument latent_generator must give a tensor of shape {(2, *shape)} when "
        f"it is called with 2, as the generator takes its latents, but it gives "
        f"{shown(found)}.",
        "latent_generator",
    )
    operations = [o.type for o in graph.get_operations() if o.op_def.is_stateful]
    if graph.captures or operations:
        own = ("Random", "Rng", "PyFunc")
        repeat = not any(word in kind for kind in operations for word in own)
        return latent_generator, repeat
    # No operation in the graph is random, so the sampler draws with NumPy.
    first, second = (np.array(latent_generator(2)) for _ in range(2))
    require(
        (first != second).any(),
        "The argument latent_generator must draw new latents at each call, but it "
        "gives the same ones twice.",
        "latent_generator",
    )
    warn(
        "The latent generator draws with NumPy, which is slower, and its draws are not "
        "part of the model's random state. The samplers of gan.latent draw with "
        "TensorFlow."
    )
    return functools.partial(_from_numpy, latent_generator, shape), False


def _takes_one(function):
    """Whether a callable can be called with one argument; `True` if unknown."""
    try:
        inspect.signature(function).bind(2)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _from_numpy(latent_generator, shape, size):
    drawn = tf.numpy_function(
        lambda size: np.array(latent_generator(int(size)), "float32"),
        [size],
        tf.float32,
    )
    return tf.ensure_shape(drawn, (size, *shape))


def bounds(layer: keras.layers.Layer) -> tuple[float, float]:
    """Bounds `(low, high)` of a layer's activation."""
    activation = getattr(layer, "activation", None)
    # A softmax is bounded, but its outputs cannot all saturate together.
    if not callable(activation) or activation is keras.activations.softmax:
        return -np.inf, np.inf
    low, high = np.ravel(activation(tf.constant([[-1e6, 1e6]])))
    return (low, high) if 0 < high - low < 1e3 else (-np.inf, np.inf)


def reach(network: keras.Model) -> tuple[float, float]:
    """Smallest and largest value of a network's output.

    They follow from the operations after the last layer that has weights or several
    inputs, also in nested networks. They are infinite if nothing bounds the values, or
    if there are several outputs.
    """
    if len(network.outputs) > 1:
        return -np.inf, np.inf
    after = []
    for operation in reversed([*_operations(network)]):
        if getattr(operation, "weights", None) or _takes_several(operation):
            break
        after.insert(0, operation)
    # A wrapper, such as spectral normalisation, holds the layer inside.
    activation = getattr(getattr(operation, "layer", operation), "activation", None)
    if callable(activation) and operation not in after:
        after.insert(0, activation)
    try:
        shape = operation.output.shape[1:]
        # All units at the lower bound, all at the upper bound, and alternating.
        found = np.stack([np.full(shape, -1.0), np.ones(shape), np.ones(shape)])
        found[2, ..., ::2] = -1
        found = tf.constant(1e6 * found, tf.float32)
        # Keras warns of a softmax over one number; the network itself warns too.
        with warnings.catch_warnings(action="ignore"):
            for change in after:
                found = change(found)
        low, high = float(np.min(found)), float(np.max(found))
    except (AttributeError, TypeError, ValueError, tf.errors.InvalidArgumentError):
        low, high = -np.inf, np.inf
    return low if low > -1e3 else -np.inf, high if high < 1e3 else np.inf


def _takes_several(operation):
    try:
        return len(keras.tree.flatten(operation.input)) > 1
    except (AttributeError, ValueError):
        # The operation is used in several places.
        return False


def _operations(network):
    """The operations of a network in order, with those of nested networks inserted."""
    for part in getattr(network, "operations", network.layers):
        if isinstance(part, keras.Model) and hasattr(part, "outputs"):
            yield from _operations(part)
        elif not isinstance(part, keras.layers.InputLayer):
            yield part


def out_of_reach(
    discriminator: keras.Model, targets: tuple[float, float]
) -> str | None:
    """A text if a discriminator cannot reach the targets of the losses, or `None`."""
    low, high = reach(discriminator)
    if low <= targets[0] and targets[1] <= high:
        return None
    sought = "of any size" if np.isinf(targets).all() else "from {:g} to {:g}"
    return (
        f"its last activation keeps the discriminator's outputs in [{low:.3g}, "
        f"{high:.3g}], but the losses push them to values {sought.format(*targets)}"
    )


def warn_of_bounds(
    discriminator: keras.Model, targets: tuple[float, float] | None, name: str
) -> None:
    """Warn if the last activation keeps outputs from the targets of the losses."""
    missing = targets and out_of_reach(discriminator, targets)
    if missing:
        warn(f"{name}: {missing}. Remove that activation.")


def is_picture(shape: tuple[int | None, ...]) -> bool:
    """Whether examples of this shape can be shown as pictures."""
    return len(shape) == 3 and shape[2] in (1, 3)


def warn_of_range(
    some: np.ndarray,
    generator: keras.Model,
    pixel_range: tuple[float, float] | None = None,
) -> None:
    """Warns of real examples that the generator's last activation cannot reach.

    Args:
        some: float array `(n, …)`, real examples.
        generator: `keras.Model`.
        pixel_range: pair of floats, the values of black and white, or `None`.
    """
    low, high = reach(generator)
    found = f"[{some.min():.3g}, {some.max():.3g}]"
    if _beyond(some, low, high):
        warn(
            f"The real examples lie in {found}, beyond the range of the generator, "
            f"[{low:.3g}, {high:.3g}]: scale them to that range, or change its last "
            "activation."
        )
    if pixel_range is None:
        return
    black, white = sorted(pixel_range)
    if _beyond(some, black, white):
        warn(
            f"The real examples lie in {found}, beyond the pixel_range of the model, "
            f"[{black:g}, {white:g}]: scale them to that range, or give the model "
            "their pixel_range."
        )
    if max(low - black, white - high) > 0.05 * (white - black):
        warn(
            f"The range of the generator is [{low:.3g}, {high:.3g}], smaller than the "
            f"pixel_range of the model, [{black:g}, {white:g}]: change its last "
            "activation or the pixel_range."
        )


def _beyond(some, low, high):
    """Whether more than 2% of the numbers lie clearly outside a range."""
    slack = 0.05 * (high - low) if np.isfinite(high - low) else 0.0
    return np.mean((some < low - slack) | (some > high + slack)) > 0.02
