"""A web page that shows the training of a model of points as a film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gan.errors import StrPath
from gan.pages.describe import Weights, describe, input_shapes
from gan.pages.page import write_running

if TYPE_CHECKING:
    from gan.base import AdversarialModel


class Recording:
    """Records a training for a film: the weights after its epochs, and its logs.

    Args:
        name: str, name of the run.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._frames: list[tuple[int, dict[str, Any], Weights]] = []

    def add(self, model: AdversarialModel, epoch: int) -> None:
        """Store the present networks as those after an epoch."""
        drawn = model.averaged_generator or model.generator
        weights = Weights()
        networks = {"generator": describe(drawn, weights), "first": weights.size}
        networks["discriminator"] = describe(model.discriminator, weights)
        networks["size"] = weights.size
        self._frames.append((epoch, networks, weights))

    def data(self, model: AdversarialModel, frames: int) -> dict[str, Any]:
        """The data of the run for `film.js`, with at most `frames` frames."""
        count = len(self._frames)
        chosen = np.unique(np.linspace(0, count - 1, min(frames, count)).round())
        picked = [self._frames[int(number)] for number in chosen]
        sampler: Any = model.latent_generator
        # This does not affect the run.
        most = min(400, model.batch_size, model.examples.at_hand)
        with model.stream.restarted(0):
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
            "dim": input_shapes(model.generator)[0][-1],
            "kind": sampler.latent_type,
            "classes": model.classes,
            "labelled": len(input_shapes(model.discriminator)) > 1,
            "logs": finite,
        }


def film_page(
    path: StrPath, runs: list[dict[str, Any]], title: str = "A training"
) -> None:
    """Writes a page that shows trainings on points as films, side by side.

    Args:
        path: str or `os.PathLike`, the page.
        runs: list of results of `Recording.data`.
        title: str, title of the page.
    """
    write_running(path, "film", title, {"runs": runs})
