"""A film of the training of a model of points, for the browser."""

from __future__ import annotations

import contextlib

import keras

from gan.errors import InvalidInput, StrPath, expect_positive_int, require, shown
from gan.pages import Recording, film_page
from gan.support.files import expect_writable

Logs = dict[str, float] | None


class Page(keras.callbacks.Callback):
    """Writes a film of the training on 1-D or 2-D points, as a web page.

    The page is written when `fit` ends. The film shows real and fake points, the
    discriminator's outputs and gradients, the generator's map of the latents, and the
    losses. The film of a resumed run begins where the run is resumed.

    Args:
        path: str or `os.PathLike`, the page, which ends in ".html".
        frames: int, at least 2, number of epochs whose weights the page holds; between
            them it interpolates linearly.
        title: str, title of the page.

    Raises:
        InvalidInput: if an argument is invalid; when training begins, also if the
            examples are not points or a network has layers that pages do not support.
    """

    def __init__(
        self, path: StrPath, frames: int = 30, title: str = "A training"
    ) -> None:
        super().__init__()
        self._path = expect_writable(path)
        said = f"The argument path must end in .html, but it is {shown(str(path))}."
        require(self._path.suffix == ".html", said, "path")
        expect_positive_int(frames=frames)
        said = f"The argument frames must be at least 2, but it is {frames}."
        require(frames >= 2, said, "frames")
        self._frames, self._title = frames, title

    def on_train_begin(self, logs: Logs = None) -> None:
        """Check that the page will be able to show the model."""
        model = self.model
        shape = model.generator.output_shape[1:]
        outputs = keras.tree.flatten(model.discriminator.outputs)[0].shape[1:]
        known = hasattr(model.latent_generator, "latent_type")
        require(
            shape in ((1,), (2,)) and outputs == (1,) and known,
            "The callback Page needs a model of points of 1 or 2 numbers, a "
            "discriminator with 1 output, and a latent generator of gan.latent, but "
            f"its points have the shape {shape}, its discriminator's outputs the shape "
            f"{outputs}, and its latent generator is {shown(model.latent_generator)}.",
            "callbacks",
        )
        self._begin(0)
        self._recording: Recording | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Store the networks before the first step."""
        if self._recording is None:
            self._recording = self._begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Store the networks if their weights fit into half-precision floats."""
        if self.model.diverged is None:
            with contextlib.suppress(InvalidInput):
                self._recording.add(self.model, epoch + 1)

    def on_train_end(self, logs: Logs = None) -> None:
        """Write the page, unless no epoch was left to do and the page exists."""
        if self._recording is None:
            if self._path.exists():
                return
            self._recording = self._begin(self.params["epochs"])
        run = self._recording.data(self.model, self._frames)
        film_page(self._path, [run], self._title)

    def _begin(self, epoch):
        recording = Recording(type(self.model).__name__)
        recording.add(self.model, epoch)
        return recording
