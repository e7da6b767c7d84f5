"""The two sides of the game, and what they must be made of."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gan.errors import expect, warn
from gan.training import distribute


@dataclasses.dataclass(eq=False)
class Player:
    """One side of the game: a network, its loss and what minimises it."""

    network: keras.Model
    loss: Callable[..., tf.Tensor]
    optimizer: keras.optimizers.Optimizer

    def __post_init__(self) -> None:
        # Unbuilt optimizers would lose their moments when a file is loaded.
        self.weights = [w for w in self.network.variables if w.trainable]
        self.optimizer.build(self.weights)

    def __call__(self, *outputs: tf.Tensor) -> tf.Tensor:
        """The loss of the discriminator's outputs."""
        loss = self.loss(*outputs)
        expected = f"the {self.network.name}'s loss to be a scalar tensor of floats"
        scalar = tf.is_tensor(loss) and loss.shape.rank == 0 and loss.dtype.is_floating
        expect(scalar, expected, loss=loss)
        return loss

    def objective(self, loss: tf.Tensor) -> tf.Tensor:
        """What is minimised: the loss and the network's regularisers, each once."""
        kept = sum(w.regularizer is not None for w in self.network.trainable_variables)
        # Of what layers add of their activities Keras keeps the last call's only.
        expected = f"a {self.network.name} with regularisers of weights only"
        found = len(self.network.losses) - kept
        expect(found == 0, expected, other_losses=found)
        whole = sum(self.network.losses, loss)
        return self.optimizer.scale_loss(distribute.part(whole))

    def descend(self, tape: tf.GradientTape, objective: tf.Tensor) -> None:
        """Make one step of the optimizer down the slope that `tape` recorded."""
        weights = self.network.trainable_variables
        gradients = tape.gradient(objective, weights)
        depends = not weights or any(slope is not None for slope in gradients)
        expected = f"a loss that depends on the {self.network.name}'s weights"
        expect(depends, expected, loss=self.loss)
        # The gradient of an Embedding lists rows, the same row perhaps several times;
        # Keras 3.15 would square each before it adds them up.
        gradients = [
            tf.convert_to_tensor(slope)
            if isinstance(slope, tf.IndexedSlices)
            else slope
            for slope in gradients
        ]
        self.optimizer.apply(gradients, weights)

    def own(self) -> None:
        """Be the network's loss, and give it the optimizer."""
        self.network.loss, self.network.optimizer = self, self.optimizer

    def claim(self) -> None:
        """Own the network again.

        It is another model's after that was made of the same networks. What a user has
        given to the network since then is taken over.
        """
        loss, optimizer = self.network.loss, self.network.optimizer
        others = isinstance(loss, Player) and loss is not self
        if not others and optimizer is not self.optimizer:
            expect_optimizers(**{f"{self.network.name}.optimizer": optimizer})
            self.optimizer = optimizer
            self.__post_init__()
        if not others and callable(loss) and loss is not self:
            self.loss = loss
        self.own()
        known = {id(weight) for weight in self.weights}
        trained = self.network.trainable_variables
        new = [weight.path for weight in trained if id(weight) not in known]
        expected = "a model made before weights were frozen, which its optimizers know"
        expect(not new, expected, unknown_weights=new)

    def trained(self) -> list[int]:
        """Numbers of the weights that the optimizer knows among the network's."""
        known = {id(weight) for weight in self.weights}
        return [i for i, w in enumerate(self.network.variables) if id(w) in known]


def expect_networks(
    generator: keras.Model, discriminator: keras.Model, outputs: int | None
) -> None:
    """Expect built networks of float32 that fit together and share nothing."""
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        old = type(network).__module__.startswith("tf_keras")
        expect(not old, f"a {name} of keras, not of tf_keras", **{name: network})
        built = isinstance(network, keras.Model) and network.built
        expected = f"{name} to be a built keras.Model, functional or sequential"
        expect(built and hasattr(network, "outputs"), expected, **{name: network})
        expect(network.variables, f"a {name} that has weights", **{name: network})
        channels = {getattr(layer, "data_format", None) for layer in network.layers}
        # TensorFlow's convolutions of channels first have no gradient on a CPU.
        fits = "channels_first" not in channels or tf.config.list_logical_devices("GPU")
        expect(fits, f"data_format='channels_last' in the {name}", **{name: network})
        tensors = [*network.inputs, *network.outputs]
        kinds = {tensor.dtype for tensor in tensors if "float" in tensor.dtype}
        expected = f"a {name} of dtype float32; set_dtype_policy before making it"
        expect(kinds == {"float32"}, expected, dtype=sorted(kinds))
    wanted = discriminator.input_shape
    if takes_labels(discriminator):
        wanted, labels = wanted[0], [wanted[1:], generator.input_shape[1:]]
        both = takes_labels(generator) and all(
            len(one) == 1 and one[0] in ((None,), (None, 1)) for one in labels
        )
        expected = "networks that both take […, labels (None,)]"
        expect(both, expected, input_shapes=labels)
        counts = [count_classes(generator), count_classes(discriminator)]
        expected = "networks that embed the labels, of equally many classes"
        expect(counts[0] and counts[0] == counts[1], expected, classes=counts)
    else:
        alone = outputs is None or not takes_labels(generator)
        expected = "a discriminator that takes labels, as the generator does"
        expect(alone, expected, input_shape=wanted)
    expected = f"the generator's output to have the discriminator's shape {wanted}"
    shape = generator.output_shape
    expect(shape == wanted, expected, output_shape=shape)
    shape = discriminator.output_shape
    expected = f"a discriminator of output shape (None, {outputs})"
    expect(outputs is None or shape == (None, outputs), expected, output_shape=shape)
    own = {id(weight) for weight in generator.variables}
    shared = [weight.path for weight in discriminator.variables if id(weight) in own]
    expect(not shared, "networks that share no weights", shared=shared)


def takes_labels(network: keras.Model) -> bool:
    """Whether a network has a second input: the labels of what the first one is."""
    shape = network.input_shape
    return isinstance(shape, (list, tuple)) and isinstance(shape[0], (list, tuple))


def count_classes(network: keras.Model) -> int | None:
    """Number of classes whose labels a network embeds; `None` if it takes none."""
    if not takes_labels(network):
        return None
    kinds = [x for x in network.layers if isinstance(x, keras.layers.Embedding)]
    return kinds[0].input_dim if kinds else None


def expect_augment(augment: object, generator: keras.Model) -> None:
    """Expect a layer through which examples go and gradients come back, or `None`."""
    if augment is None:
        return
    layer = isinstance(augment, keras.layers.Layer)
    expect(layer, "augment to be a keras Layer or None", augment=augment)
    examples = tf.random.stateless_uniform((2, *generator.output_shape[1:]), (0, 0))
    with tf.GradientTape() as tape:
        tape.watch(examples)
        changed = augment(examples, training=True)
    expected = "augment to keep the examples' shape"
    expect(changed.shape == examples.shape, expected, shape=changed.shape)
    slope = tape.gradient(changed, examples)
    expect(slope is not None, "an augment that is differentiable", augment=augment)


def expect_optimizers(**named: object) -> None:
    """Expect new optimizers, each of one network, or `None`."""
    for name, optimizer in named.items():
        known = isinstance(optimizer, (keras.optimizers.Optimizer, type(None)))
        expected = f"{name} to be a keras Optimizer or None"
        expect(known, expected, **{name: optimizer})
        free = optimizer is None or not optimizer.built
        expect(free, f"{name} to be new, of no other network", **{name: optimizer})
    given = [optimizer for optimizer in named.values() if optimizer is not None]
    two = len({id(optimizer) for optimizer in given}) == len(given)
    expect(two, "two different optimizers", generator_optimizer=given[:1])


def expect_latents(
    latent_generator: Callable[[int], tf.Tensor], generator: keras.Model
) -> tuple[Callable[[int], tf.Tensor], bool]:
    """Expect a sampler of latents that fit the generator.

    It is called symbolically: TensorFlow draws nothing, and its random state stays.
    A sampler that draws with NumPy is wrapped, with a warning.

    Returns:
        Tuple of the sampler, and whether a resumed run draws the same latents.
    """
    expected = "latent_generator to be callable"
    expect(callable(latent_generator), expected, latent_generator=latent_generator)
    drawn = None

    def draw():
        nonlocal drawn
        drawn = latent_generator(2)
        return tf.zeros(())

    graph = tf.function(draw, autograph=False).get_concrete_function().graph
    expected = "latent_generator to return a tensor"
    expect(hasattr(drawn, "shape"), expected, returned=type(drawn).__name__)
    shape = generator.input_shape
    # The first input, where there are several.
    shape = shape[0] if isinstance(shape[0], tuple) else shape
    expected = f"latent_generator(2) of shape {(2, *shape[1:])}, as the generator takes"
    expect(tuple(drawn.shape) == (2, *shape[1:]), expected, shape=tuple(drawn.shape))
    operations = [o.type for o in graph.get_operations() if o.op_def.is_stateful]
    if graph.captures or operations:
        repeat = not any("Random" in kind or "Rng" in kind for kind in operations)
        return latent_generator, repeat
    # Neither a state that it reads nor an operation that may differ: NumPy drew.
    first, second = (np.array(latent_generator(2)) for _ in range(2))
    expected = "latent_generator to draw anew at each call"
    expect((first != second).any(), expected, returned="the same twice")
    warnings.warn(
        "The latent generator draws with NumPy: that is slower, and not part of the "
        "model's random state. Those of gan.latent draw with TensorFlow.",
        stacklevel=4,
    )
    return functools.partial(_from_numpy, latent_generator, shape[1:]), False


def _from_numpy(latent_generator, shape, size):
    drawn = tf.numpy_function(
        lambda size: np.array(latent_generator(int(size)), "float32"),
        [size],
        tf.float32,
    )
    return tf.ensure_shape(drawn, (size, *shape))


def range_of(network: keras.Model) -> tuple[float, float]:
    """What the last activation of a network can reach, found by asking it."""
    kinds = (keras.layers.Reshape, keras.layers.Flatten)
    layers = [layer for layer in network.layers if not isinstance(layer, kinds)]
    return bounds(layers[-1])


def bounds(layer: keras.layers.Layer) -> tuple[float, float]:
    """Limits of a layer's activation."""
    activation = getattr(layer, "activation", None)
    # A softmax has bounds, but at all of them together no slope to lose.
    if not callable(activation) or activation is keras.activations.softmax:
        return -np.inf, np.inf
    low, high = np.ravel(activation(tf.constant([[-1e6, 1e6]])))
    return (low, high) if 0 < high - low < 1e3 else (-np.inf, np.inf)


def reach(network: keras.Model) -> tuple[float, float]:
    """Least and greatest number that the output of a network can be.

    Found by asking what follows its last weights or sum, in nested networks too;
    infinite where nothing confines the numbers, and for several outputs.
    """
    if len(network.outputs) > 1:
        return -np.inf, np.inf
    after = []
    for operation in reversed([*_operations(network)]):
        if getattr(operation, "weights", None) or _takes_several(operation):
            break
        after.insert(0, operation)
    # A wrapper, such as that of spectral normalisation, has it inside.
    activation = getattr(getattr(operation, "layer", operation), "activation", None)
    if callable(activation) and operation not in after:
        after.insert(0, activation)
    try:
        shape = operation.output.shape[1:]
        # All units at one end, all at the other, and by turns.
        found = np.stack([np.full(shape, -1.0), np.ones(shape), np.ones(shape)])
        found[2, ..., ::2] = -1
        found = tf.constant(1e6 * found, tf.float32)
        # Keras warns of a softmax of one number where the network calls it, too.
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
        # It stands in several places.
        return False


def _operations(network):
    """What a network does, in order; what nested ones do stands in their places."""
    for part in getattr(network, "operations", network.layers):
        if isinstance(part, keras.Model) and hasattr(part, "outputs"):
            yield from _operations(part)
        elif not isinstance(part, keras.layers.InputLayer):
            yield part


def out_of_reach(
    discriminator: keras.Model, targets: tuple[float, float]
) -> str | None:
    """What a discriminator cannot give of the outputs that losses seek, or `None`."""
    low, high = reach(discriminator)
    if low <= targets[0] and targets[1] <= high:
        return None
    sought = "of any size" if np.isinf(targets).all() else "from {:g} to {:g}"
    return (
        f"its last activation keeps the discriminator's outputs in [{low:.3g}, "
        f"{high:.3g}], but the losses seek outputs {sought.format(*targets)}"
    )


def warn_of_bounds(
    discriminator: keras.Model, targets: tuple[float, float] | None, name: str
) -> None:
    """Warn of a last activation that keeps outputs from what a class's losses seek."""
    missing = targets and out_of_reach(discriminator, targets)
    if missing:
        warn(f"{name}: {missing}. Leave that activation out.")


def warn_of_range(real_examples: object, generator: keras.Model) -> None:
    """Warn of arrays with numbers that the generator's last activation cannot reach."""
    examples = keras.tree.flatten(real_examples)[0]
    if not tf.is_tensor(examples):
        return
    low, high = range_of(generator)
    some = np.array(examples[:1000], "float32")
    some = some / 255 if examples.dtype == tf.uint8 else some
    slack = 0.05 * (high - low) if np.isfinite(high) else 0.0
    if np.mean((some < low - slack) | (some > high + slack)) > 0.02:
        warnings.warn(
            f"The real examples lie in [{some.min():.3g}, {some.max():.3g}], beyond "
            f"what the generator reaches, [{low:.3g}, {high:.3g}]: scale them to that, "
            "or change its last activation.",
            stacklevel=3,
        )
