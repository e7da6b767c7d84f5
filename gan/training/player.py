"""The two sides of the game: a network, its loss and its optimizer."""

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
        """This player's loss, of the discriminator's outputs."""
        loss = self.loss(*outputs)
        scalar = tf.is_tensor(loss) and loss.shape.rank == 0 and loss.dtype.is_floating
        said = f"The loss of the {self.role} must give a scalar tensor of floats."
        require(scalar, said, f"{self.role}_loss")
        return loss

    def objective(self, loss: tf.Tensor) -> tf.Tensor:
        """What is minimised: the loss and the network's regularisers, each once."""
        kept = sum(w.regularizer is not None for w in self.network.trainable_variables)
        # Keras keeps activity losses of the last call only: they cannot be added up.
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
        """Make one step of the optimizer down the slope that `tape` recorded."""
        weights = self.network.trainable_variables
        try:
            gradients = tape.gradient(objective, weights)
        except LookupError as error:
            # As of bicubic and Lanczos resizing under a penalty on gradients.
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
        # The gradient of an Embedding lists vectors, one of them perhaps several times;
        # Keras 3.15 would square each before it adds them up.
        gradients = [
            tf.convert_to_tensor(slope)
            if isinstance(slope, tf.IndexedSlices)
            else slope
            for slope in gradients
        ]
        self.optimizer.apply(gradients, weights)

    def attach(self) -> None:
        """Mark the network as this player's, by its loss, and give it the optimizer.

        Another model of the same network then sees whose it is, and Keras finds the
        optimizer where it looks for it when it writes files.
        """
        self.network.loss, self.network.optimizer = self, self.optimizer

    def current(self) -> keras.optimizers.Optimizer:
        """The optimizer of the next update.

        It is the one that the user has set on the network since, or else this player's
        own, also while the network is marked as another model's.
        """
        loss, optimizer = self.network.loss, self.network.optimizer
        others = isinstance(loss, Player) and loss is not self
        return self.optimizer if others or optimizer is None else optimizer

    def take(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Go on with another optimizer, which has been checked."""
        self.optimizer = optimizer
        self.__post_init__()
        self.attach()

    def reattach(self) -> None:
        """Mark the network as this player's again, after another model was made of it.

        An optimizer or a loss that the user has set on the network since then is used
        from now on.
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
            f"The optimizer {name} has already trained the weights of another network: "
            "give a new one.",
            name,
        )
        distribute.expect_parts(network.distribute_strategy, **{name: optimizer})
    require(
        len({id(optimizer) for optimizer in given.values()}) == len(given),
        "The two networks need two different optimizers, but "
        f"{' and '.join(given)} are the same one.",
        next(iter(given), None),
    )
