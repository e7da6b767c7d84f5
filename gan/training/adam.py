"""Keras's Adam, which also reads the state that version 0.1.0 saved."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="gan")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, which can load the moment vectors of version 0.1.0."""

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Load the optimizer's variables from `store`, by their index."""
        _, _, *moments = self.variables
        flat = [np.asarray(store[str(number)]) for number in range(len(store))]
        sizes = [int(np.prod(variable.shape)) for variable in moments[::2]]
        if len(flat) == 4 and flat[2].shape == flat[3].shape == (sum(sizes),):
            cuts = np.cumsum(sizes)[:-1]
            both = zip(*(np.split(vector, cuts) for vector in flat[2:]), strict=True)
            parts = [part for pair in both for part in pair]
            shaped = [p.reshape(v.shape) for p, v in zip(parts, moments, strict=True)]
            arrays = [*flat[:2], *shaped]
            store = {str(number): array for number, array in enumerate(arrays)}
        super().load_own_variables(store)
