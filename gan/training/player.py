"""The two players of the game: each has a network, a loss and an optimizer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gan import distribute
from gan.errors import require, shown


@dataclasses.dataclass(eq=False)
class Player:
    """One player of the game: a network with its loss and its optimizer.

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
        # An optimizer that is not built would lose its moments when a file is loaded.
        self.weights = [w for w in self.network.variables if w.trainable]
        with self.network.distribute_strategy.scope():
            self.optimizer.build(self.weights)

    def __call__(self, *outputs: tf.Tensor) -> tf.Tensor:
        """Compute this player's loss from the discriminator's outputs."""
        loss = self.loss(*outputs)
        scalar = tf.is_tensor(loss) and loss.shape.rank == 0 and loss.dtype.is_floating
        said = f"The loss of the {self.role} must give a scalar tensor of floats."
        require(scalar, said, f"{self.role}_loss")
        return loss

    def objective(self, loss: tf.Tensor) -> tf.Tensor:
        """The objective: the loss plus the network's regularisers, each once."""
        kept = sum(w.regularizer is not None for w in self.network.trainable_variables)
        # Keras keeps only the activity losses of the last call, so they would be wrong.
        require(
            len(self.network.losses) == kept,
            f"The {self.role} may have regularisers of weights only: remove "
            "activity_regularizer and add_loss, and add such a term in "
            f"{self.role}_extra.",
            self.role,
        )
        whole = sum(self.network.losses, loss)
        return self.optimizer.scale_loss(distribute.part(whole))

    def descend(self, tape: tf.GradientTape, objective: tf.Tensor) -> None:
        """Make one optimizer step with the gradient from `tape`."""
        weights = self.network.trainable_variables
        try:
            gradients = tape.gradient(objective, weights)
        except LookupError as error:
            # For example, bicubic resizing has no second derivative for a penalty.
            require(
                False,
                f"The loss of the {self.role} cannot be differentiated, because "
                f"TensorFlow has no gradient of an operation in it ({error}). A "
                "penalty on gradients needs second derivatives: use another layer, "
                "such as UpSampling2D with interpolation='bilinear', or a model "
                "without a penalty.",
                self.role,
            )
        depends = not weights or any(slope is not None for slope in gradients)
        said = f"The loss of the {self.role} does not depend on the {self.role}'s "
        said += "weights."
        require(depends, said, f"{self.role}_loss")
        # The gradient of an Embedding may list a vector several times. Keras 3.15 would
        # square each entry before adding them up.
        gradients = [
            tf.convert_to_tensor(slope)
            if isinstance(slope, tf.IndexedSlices)
            else slope
            for slope in gradients
        ]
        self.optimizer.apply(gradients, weights)

    def attach(self) -> None:
        """Set the network's `loss` and `optimizer` to those of this player.

        Another model of the same network can then see which player it belongs to, and
        Keras finds the optimizer when it writes files.
        """
        self.network.loss, self.network.optimizer = self, self.optimizer

    def current(self) -> keras.optimizers.Optimizer:
        """The optimizer of the next update.

        It is the one that the user has set on the network since, or else this player's
        own, even while the network is attached to another model.
        """
        loss, optimizer = self.network.loss, self.network.optimizer
        others = isinstance(loss, Player) and loss is not self
        return self.optimizer if others or optimizer is None else optimizer

    def take(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Use another optimizer, which must have been checked."""
        self.optimizer = optimizer
        self.__post_init__()
        self.attach()

    def reattach(self) -> None:
        """Attach the network to this player again, after another model has used it.

        If the user has set another optimizer or loss on the network, it is used from
        now on.
        """
        loss, optimizer = self.network.loss, self.current()
        if optimizer is not self.optimizer:
            name = f"{self.role}.optimizer"
            expect_optimizers(**{name: (optimizer, self.network)})
            self.brought = optimizer
            self.take(optimizer)
        if callable(loss) and not isinstance(loss, Player):
            self.loss = loss
        self.attach()
        known = {id(weight) for weight in self.weights}
        trained = self.network.trainable_variables
        new = [weight.path for weight in trained if id(weight) not in known]
        require(
            not new,
            f"The {self.role} has weights that were frozen when the model was made, so "
            f"its optimizer does not know them: {', '.join(new)}. Make a new model, "
            "now that they are trainable.",
            self.role,
        )

    def trained(self) -> list[int]:
        """Indices of the network's weights that the optimizer trains."""
        known = {id(weight) for weight in self.weights}
        return [i for i, w in enumerate(self.network.variables) if id(w) in known]


class Optimizers:
    """Both players' optimizers as one object, for code that reads `model.optimizer`.

    Keras's callbacks and `summary` do so, and also callbacks such as those of W&B.

    Args:
        generator: `keras.optimizers.Optimizer`, whose values are shown.
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
        """Number of generator updates, one in each step."""
        return self.optimizers[0].iterations

    @property
    def variables(self) -> list[Any]:
        """The variables of both optimizers."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]

    @property
    def learning_rate(self) -> tf.Tensor:
        """The generator's learning rate, float32 scalar; setting it sets both."""
        # Not the variable itself, because its `assign` would not set the
        # discriminator's.
        return tf.convert_to_tensor(self.optimizers[0].learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for optimizer in self.optimizers:
            rate = optimizer.get_config()["learning_rate"]
            require(
                isinstance(rate, float),
                "The argument learning_rate cannot be set, because an optimizer "
                "follows a schedule: give a new optimizer to compile(d_optimizer=…, "
                "g_optimizer=…).",
                "learning_rate",
            )
        for optimizer in self.optimizers:
            optimizer.learning_rate = value


def brought(network: keras.Model) -> keras.optimizers.Optimizer | None:
    """The optimizer that the user compiled a network with, or `None`."""
    optimizer = getattr(network, "optimizer", None)
    owner = getattr(network, "loss", None)
    if isinstance(owner, Player) and owner.optimizer is optimizer:
        # Another model of this network has set its own optimizer.
        return owner.brought
    return optimizer


def _known(optimizer):
    """Identities of the weights for which an optimizer was built."""
    return {id(weight) for weight in optimizer._trainable_variables}


def expect_optimizers(**pairs: tuple[Any, keras.Model]) -> None:
    """Expects optimizers, each for one network, that have trained no other.

    Args:
        **pairs: by the name of the argument, a tuple of an optimizer (or `None`) and
            its network.

    Raises:
        InvalidInput: if one is not an optimizer, or cannot train its network.
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
        # Once built, an optimizer of Keras can train only the weights it was built for.
        variables = {id(variable) for variable in network.variables}
        trained = {id(weight) for weight in network.trainable_variables}
        require(
            not optimizer.built or trained <= _known(optimizer) <= variables,
            f"The optimizer {name} was built for other weights than those of its "
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
