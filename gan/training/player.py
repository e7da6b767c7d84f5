"""The two sides of the game, and what they must be made of."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.errors import expect, require, shown, warn
from gan.latent import of_dimension


@dataclasses.dataclass(eq=False)
class Player:
    """One side of the game: a network, its loss and what minimises it.

    Attributes:
        role: "generator" or "discriminator".
        brought: the optimizer that the user compiled the network with, or `None`.
    """

    role: str
    network: keras.Model
    loss: Callable[..., tf.Tensor]
    optimizer: keras.optimizers.Optimizer
    brought: keras.optimizers.Optimizer | None = None
    weights: list[Any] = dataclasses.field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.optimizer.built:
            known = _known(self.optimizer)
            self.weights = [w for w in self.network.variables if id(w) in known]
            return
        # Unbuilt optimizers would lose their moments when a file is loaded.
        self.weights = [w for w in self.network.variables if w.trainable]
        with self.network.distribute_strategy.scope():
            self.optimizer.build(self.weights)

    def __call__(self, *outputs: tf.Tensor) -> tf.Tensor:
        """The loss of the discriminator's outputs."""
        loss = self.loss(*outputs)
        expected = f"the {self.role}'s loss to be a scalar tensor of floats"
        scalar = tf.is_tensor(loss) and loss.shape.rank == 0 and loss.dtype.is_floating
        expect(scalar, expected, loss=loss)
        return loss

    def objective(self, loss: tf.Tensor) -> tf.Tensor:
        """What is minimised: the loss and the network's regularisers, each once."""
        kept = sum(w.regularizer is not None for w in self.network.trainable_variables)
        # Of what layers add of their activities Keras keeps the last call's only.
        expected = f"a {self.role} with regularisers of weights only"
        found = len(self.network.losses) - kept
        expect(found == 0, expected, other_losses=found)
        whole = sum(self.network.losses, loss)
        return self.optimizer.scale_loss(distribute.part(whole))

    def descend(self, tape: tf.GradientTape, objective: tf.Tensor) -> None:
        """Make one step of the optimizer down the slope that `tape` recorded."""
        weights = self.network.trainable_variables
        try:
            gradients = tape.gradient(objective, weights)
        except LookupError as error:
            # As of bicubic and Lanczos resizing under a penalty on gradients.
            require(
                False,
                f"The loss of the {self.role} cannot be differentiated, for "
                f"TensorFlow has no gradient of an operation in it ({error}). A "
                "penalty on gradients needs second derivatives: use another layer, "
                "such as UpSampling2D with interpolation='bilinear', or a model "
                "without a penalty.",
                self.role,
            )
        depends = not weights or any(slope is not None for slope in gradients)
        expected = f"a loss that depends on the {self.role}'s weights"
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

    def current(self) -> keras.optimizers.Optimizer:
        """The optimizer of the next update: one given to the network since, or its own.

        The network may be another model's for the moment.
        """
        loss, optimizer = self.network.loss, self.network.optimizer
        others = isinstance(loss, Player) and loss is not self
        return self.optimizer if others or optimizer is None else optimizer

    def take(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Go on with another optimizer, which has been checked."""
        self.optimizer = optimizer
        self.__post_init__()
        self.own()

    def claim(self) -> None:
        """Own the network again.

        It is another model's after that was made of the same networks. What a user has
        given to the network since then is taken over.
        """
        loss, optimizer = self.network.loss, self.current()
        if optimizer is not self.optimizer:
            name = f"{self.role}.optimizer"
            expect_optimizers(**{name: (optimizer, self.network)})
            self.brought = optimizer
            self.take(optimizer)
        if callable(loss) and not isinstance(loss, Player):
            self.loss = loss
        self.own()
        known = {id(weight) for weight in self.weights}
        trained = self.network.trainable_variables
        new = [weight.path for weight in trained if id(weight) not in known]
        require(
            not new,
            f"The {self.role} has weights that were frozen when the model was "
            f"made, so that its optimizer does not know them: {', '.join(new)}. Make "
            "the model anew, now that they are trainable.",
            self.role,
        )

    def trained(self) -> list[int]:
        """Numbers of the weights that the optimizer knows among the network's."""
        known = {id(weight) for weight in self.weights}
        return [i for i, w in enumerate(self.network.variables) if id(w) in known]


class Optimizers:
    """The optimizers of both players as one, for what reads `model.optimizer`.

    Keras's callbacks and summary do, and others such as those of W&B.

    Args:
        generator: `keras.optimizers.Optimizer`, whose numbers stand for both.
        discriminator: `keras.optimizers.Optimizer`.
    """

    built: bool = True

    def __init__(
        self,
        generator: keras.optimizers.Optimizer,
        discriminator: keras.optimizers.Optimizer,
    ) -> None:
        self.optimizers: list[keras.optimizers.Optimizer] = [generator, discriminator]

    @property
    def iterations(self) -> Any:
        """The generator's updates, of which each step has one."""
        return self.optimizers[0].iterations

    @property
    def variables(self) -> list[Any]:
        """The variables of both."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]

    @property
    def learning_rate(self) -> tf.Tensor:
        """The generator's learning rate, float32 scalar; setting it sets both."""
        # No variable, whose assign would leave the discriminator's as it is.
        return tf.convert_to_tensor(self.optimizers[0].learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for optimizer in self.optimizers:
            rate = optimizer.get_config()["learning_rate"]
            require(
                isinstance(rate, float),
                "The argument learning_rate cannot be set, for an optimizer follows a "
                "schedule: give it to compile(d_optimizer=…, g_optimizer=…).",
                "learning_rate",
            )
        for optimizer in self.optimizers:
            optimizer.learning_rate = value


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


def _inputs(network):
    """What a network takes, as its maker wrote it; a dict of one is a tensor."""
    found = getattr(network, "input", None)
    return [*found.values()] if isinstance(found, dict) and len(found) == 1 else found


def _outputs(network):
    """What a network gives, as its maker wrote it."""
    inputs = network.inputs
    return network.compute_output_spec(inputs if len(inputs) > 1 else inputs[0])


def latent_shape(generator: keras.Model) -> tuple[int, ...]:
    """Shape of a latent, which is the generator's first input."""
    shape = generator.input_shape
    return (shape[0] if isinstance(shape[0], (list, tuple)) else shape)[1:]


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


def brought(network: keras.Model) -> keras.optimizers.Optimizer | None:
    """The optimizer that the user compiled a network with, or `None`."""
    optimizer = getattr(network, "optimizer", None)
    owner = getattr(network, "loss", None)
    if isinstance(owner, Player) and owner.optimizer is optimizer:
        # Another model of this network has given it its own.
        return owner.brought
    return optimizer


def _known(optimizer):
    """Identities of the weights that a built optimizer was built for."""
    return {id(weight) for weight in optimizer._trainable_variables}


def expect_optimizers(**pairs: tuple[Any, keras.Model]) -> None:
    """Expect optimizers, each for one network, that have trained no other.

    Args:
        **pairs: tuples of an optimizer, or `None`, and the network that it is for, by
            the name of the argument.

    Raises:
        InvalidInput: if one is something else, or cannot train its network.
    """
    given = {name: one for name, (one, _) in pairs.items() if one is not None}
    for name, optimizer in given.items():
        network = pairs[name][1]
        require(
            isinstance(optimizer, keras.optimizers.Optimizer),
            f"The argument {name} must be a keras Optimizer or None, but it is "
            f"{shown(optimizer)}.",
            name,
        )
        # Keras's optimizer, once built, knows its weights, and no others.
        variables = {id(variable) for variable in network.variables}
        trained = {id(weight) for weight in network.trainable_variables}
        require(
            not optimizer.built or trained <= _known(optimizer) <= variables,
            f"The optimizer {name} has trained other weights than those of its "
            "network: give a new one.",
            name,
        )
        distribute.expect_parts(network.distribute_strategy, **{name: optimizer})
    require(
        len({id(optimizer) for optimizer in given.values()}) == len(given),
        "The two networks need two different optimizers, but "
        f"{' and '.join(given)} are the same one.",
        next(iter(given), None),
    )


def expect_latents(
    latent_generator: Callable[[int], tf.Tensor], generator: keras.Model
) -> tuple[Callable[[int], tf.Tensor], bool]:
    """Expect a sampler of latents that fit the generator.

    It is called symbolically: TensorFlow draws nothing, and its random state stays.
    A sampler that draws with NumPy is wrapped, with a warning.

    Returns:
        Tuple of the sampler, and whether a resumed run draws the same latents.
    """
    shape = latent_shape(generator)
    if len(shape) == 1:
        latent_generator = of_dimension(latent_generator, shape[0])
    require(
        callable(latent_generator) and _takes_one(latent_generator),
        "The argument latent_generator must be callable with how many latents to draw, "
        "such as gan.latent.LatentGenerator(dim) or lambda k: "
        f"gan.normal_generator(k, dim), but it is {shown(latent_generator)}.",
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
    # Neither a state that it reads nor an operation that may differ: NumPy drew.
    first, second = (np.array(latent_generator(2)) for _ in range(2))
    require(
        (first != second).any(),
        "The argument latent_generator must draw anew at each call, but it gives the "
        "same latents twice.",
        "latent_generator",
    )
    warn(
        "The latent generator draws with NumPy: that is slower, and not part of the "
        "model's random state. Those of gan.latent draw with TensorFlow."
    )
    return functools.partial(_from_numpy, latent_generator, shape), False


def _takes_one(function):
    """Whether one argument is enough for a callable; `True` where it is unknown."""
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


def is_picture(shape: tuple[int | None, ...]) -> bool:
    """Whether examples of this shape can be looked at as pictures."""
    return len(shape) == 3 and shape[2] in (1, 3)


def warn_of_range(
    some: np.ndarray,
    generator: keras.Model,
    pixel_range: tuple[float, float] | None = None,
) -> None:
    """Warn of numbers that the generator's last activation cannot reach.

    Args:
        some: float array `(n, …)`, real examples.
        generator: `keras.Model`.
        pixel_range: pair of floats, black and white of pictures, or `None`.
    """
    low, high = reach(generator)
    found = f"[{some.min():.3g}, {some.max():.3g}]"
    if _beyond(some, low, high):
        warn(
            f"The real examples lie in {found}, beyond what the generator reaches, "
            f"[{low:.3g}, {high:.3g}]: scale them to that, or change its last "
            "activation."
        )
    if pixel_range is None:
        return
    black, white = sorted(pixel_range)
    if _beyond(some, black, white):
        warn(
            f"The real examples lie in {found}, beyond the pixel_range of the model, "
            f"[{black:g}, {white:g}]: scale them to that, or make a model with their "
            "own pixel_range."
        )
    if max(low - black, white - high) > 0.05 * (white - black):
        warn(
            f"The generator reaches [{low:.3g}, {high:.3g}] only, less than the "
            f"pixel_range of the model, [{black:g}, {white:g}]: change its last "
            "activation or the pixel_range."
        )


def _beyond(some, low, high):
    """Whether more than 2% of the numbers lie clearly out of a range."""
    slack = 0.05 * (high - low) if np.isfinite(high - low) else 0.0
    return np.mean((some < low - slack) | (some > high + slack)) > 0.02
