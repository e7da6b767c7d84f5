"""Measures how many steps of a recipe this machine makes in a given time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gan.callbacks.progress import each

if TYPE_CHECKING:
    from gan.base import AdversarialModel

_STEPS = 8  # steps to time; at least one of them has penalties
_SECONDS = 2.0  # smallest time for which steps are timed
_TRAINING = 0.95  # share of the time for steps; pictures and checkpoints take the rest
_MOST_EPOCHS = 100


def seconds_a_step(
    make_model: Callable[[], AdversarialModel], seconds: float = _SECONDS
) -> float:
    """Times steps of a temporary model.

    Args:
        make_model: callable that makes the model.
        seconds: float, smallest time for which steps are timed.

    Returns:
        float, seconds of one step, without the tracing of the graph.
    """
    model = make_model()

    def spent(steps):
        before = time.perf_counter()
        model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
        return time.perf_counter() - before

    spent(_STEPS)
    steps, time_spent = _STEPS, spent(_STEPS)
    while time_spent < seconds:
        steps *= 2
        time_spent = spent(steps)
    return time_spent / steps


def lengths(
    make_model: Callable[[], AdversarialModel], minutes: float
) -> tuple[int, int]:
    """Chooses epochs and steps per epoch, so that training takes the given time here.

    An epoch takes about half a minute, or more if there would be over 100 epochs.

    Args:
        make_model: callable that makes a model like the one to be trained.
        minutes: float, time for the training, including this measurement.

    Returns:
        Tuple `(epochs, steps per epoch)` of ints, at least 1.
    """
    start = time.perf_counter()
    pace = seconds_a_step(make_model, min(_SECONDS, 15 * minutes))
    # The model of the run itself must be made and traced again.
    left = 60 * minutes - 2 * (time.perf_counter() - start)
    total = max(int(_TRAINING * left / pace), 1)
    epochs = max(min(round(2 * minutes), _MOST_EPOCHS, total), 1)
    said = f"{minutes:g} minutes on this machine: {total:,} steps, "
    print(f"{said}{each(pace)} each", flush=True)
    return epochs, max(total // epochs, 1)
