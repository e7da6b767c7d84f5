"""Adam with few operations, for small networks."""

from __future__ import annotations

import keras
import tensorflow as tf

# Beyond this, copying weights into one vector costs more than it saves.
_MOST_WEIGHTS = 50_000


@keras.saving.register_keras_serializable(package="gan")
class Adam(keras.optimizers.Adam):
    """Keras's Adam with the moments of all weights in one vector each.

    The mathematics is that of `keras.optimizers.Adam`. A dozen operations a weight
    become a dozen in all, which took a quarter of a small network's step. Above
    50,000 weights, where it does not pay, it is Keras's own.

    Args:
        As `keras.optimizers.Adam`.

    Formula:
        m ← m + (1 − β₁)(g − m), v ← v + (1 − β₂)(g² − v)
        w ← w − learning_rate · √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε)

    Reference:
        Kingma & Ba 2015, Adam: A Method for Stochastic Optimization, end of
        section 2.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the moments of `variables`, all of one dtype."""
        self._sizes = [int(tf.size(variable)) for variable in variables]
        self._flat = sum(self._sizes) <= _MOST_WEIGHTS and not self.amsgrad
        if not self._flat:
            super().build(variables)
            return
        keras.optimizers.Optimizer.build(self, variables)
        self._moments = [
            self.add_variable((sum(self._sizes),), "zeros", name=name)
            for name in ("momentum", "velocity")
        ]

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._flat:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        # A frozen or unused weight comes without a gradient and keeps its moments.
        given = {
            self._get_variable_index(variable): tf.reshape(gradient, [-1])
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        }
        dtype = grads[0].dtype
        sizes = list(enumerate(self._sizes))
        parts = [given.get(i, tf.zeros(size, dtype)) for i, size in sizes]
        gradient = tf.concat(parts, axis=0)
        moved = 1.0
        if len(given) < len(sizes):
            moved = tf.repeat(
                [tf.cast(i in given, dtype) for i, _ in sizes], self._sizes
            )
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            gradient = replica.all_reduce("SUM", gradient)
        step = tf.cast(self.iterations + 1, gradient.dtype)
        m, v = (moment.value for moment in self._moments)
        m = m.assign_add(moved * (gradient - m) * (1 - self.beta_1))
        v = v.assign_add(moved * (tf.square(gradient) - v) * (1 - self.beta_2))
        correction = tf.sqrt(1 - tf.pow(self.beta_2, step)) / (
            1 - tf.pow(self.beta_1, step)
        )
        alpha = tf.cast(learning_rate, gradient.dtype) * correction
        updates = tf.split(m * alpha / (tf.sqrt(v) + self.epsilon), self._sizes)
        for variable in trainable_variables:
            update = updates[self._get_variable_index(variable)]
            variable.value.assign_sub(tf.reshape(update, variable.shape))
