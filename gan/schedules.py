"""Learning-rate schedules."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gan.errors import expect_number, expect_positive_int, require


@keras.saving.register_keras_serializable(package="gan")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant at first and then falls linearly to 0.

    Args:
        learning_rate: float, the rate at first.
        updates: int, the update at which it reaches 0. A discriminator makes
            `disc_iter` updates in each step.
        hold: float in [0, 1), share of the updates before the fall.

    Formula:
        learning_rate · clip((1 − t/updates) / (1 − hold), 0, 1), t the update
    """

    def __init__(self, learning_rate: float, updates: int, hold: float = 0.3) -> None:
        expect_number(0, learning_rate=learning_rate)
        expect_positive_int(updates=updates)
        expect_number(0, hold=hold)
        said = f"The argument hold must be below 1, but it is {hold}."
        require(hold < 1, said, "hold")
        self.learning_rate = learning_rate
        self.updates = updates
        self.hold = hold

    def __repr__(self) -> str:
        return f"LinearDecay({self.learning_rate}, {self.updates}, {self.hold})"

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        """The rate at update `step`: float32 scalar tensor."""
        left = 1.0 - keras.ops.cast(step, "float32") / self.updates
        return self.learning_rate * keras.ops.clip(left / (1.0 - self.hold), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal schedule."""
        return {
            "learning_rate": self.learning_rate,
            "updates": self.updates,
            "hold": self.hold,
        }
