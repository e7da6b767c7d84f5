"""A trained generator that translates pictures into pictures."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from gan.conditions import cut_out
from gan.data.pixels import rescale
from gan.errors import StrPath, expect_array, expect_path, expect_seed, require
from gan.generators.load import trained_model
from gan.generators.trained import in_parts, seeds_of
from gan.latent import drawn_from
from gan.saving import load_model
from gan.variants.translation_gan import TranslationGAN

if TYPE_CHECKING:
    from gan.variants.cycle_gan import CycleGAN

_AT_ONCE = 250  # batch size of translation


class Translator:
    """A generator that translates pictures into pictures.

    `gan.load_translator` loads it from a file or from the folder of a run. All pictures
    are in [0, 1].

    Attributes:
        network: `keras.Model`, the averaged generator if there is one.
        condition: layer that computed the inputs from the targets in training, or
            `None`.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`, or `None`
            if the network takes inputs alone.
        input_shape: tuple `(h, w, c)`, shape of an input.
        shape: tuple `(h, w, c)`, shape of an output.
        pixel_range: pair of floats, the values of black and white in the network.
        masked: bool, whether the last channel of an input is a mask, 1 where the
            network draws.
        discriminator: `keras.Model` that was trained with it, or `None`.

    Example:

    ```python
    translator = gan.load_translator("run")
    outputs = translator.translate(inputs)
    ```
    """

    def __init__(
        self,
        network: keras.Model,
        condition: Any = None,
        latent_generator: Callable[[int], Any] | None = None,
        pixel_range: tuple[float, float] = (0.0, 1.0),
        discriminator: keras.Model | None = None,
    ) -> None:
        """Make a translator from its parts, see the class."""
        self.network: keras.Model = network
        self.condition: Any = condition
        self.discriminator: keras.Model | None = discriminator
        self.latent_generator: Any = latent_generator
        takes: Any = network.input_shape
        takes = takes[-1] if isinstance(takes, list) else takes
        self.input_shape: tuple[int, ...] = tuple(takes[1:])
        self.shape: tuple[int, ...] = tuple(network.output_shape[1:])
        self.pixel_range: tuple[float, float] = tuple(pixel_range)
        self.masked: bool = bool(getattr(condition, "masked", False))

    @classmethod
    def of(cls, model: TranslationGAN | CycleGAN, back: bool = False) -> Translator:
        """Make a translator from a model; with `back`, from B to A of a CycleGAN."""
        said = "The model takes no pictures: load it with gan.load_generator."
        require(model.takes_pictures, said, "model")
        latents = model.latent_generator
        said = "The model has no latent generator: set model.latent_generator."
        require(not (model.has_latents and latents is None), said, "model")
        one_way = getattr(model, "one_way", None)
        said = "The argument back must be False: the model has only one direction."
        require(one_way is not None or not back, said, "back")
        whole = model.averaged_generator or model.generator
        return cls(
            whole if one_way is None else one_way(int(back)),
            getattr(model, "condition", None),
            latents,
            model.pixel_range or (0.0, 1.0),
            model.discriminator if one_way is None else None,
        )

    def translate(self, inputs: npt.ArrayLike, seed: int = 0) -> np.ndarray:
        """Translates pictures.

        Args:
            inputs: float array `(n, *input_shape)` in [0, 1], including the mask; the
                last axis may be missing if it has size 1.
            seed: int, seed of the latents, if the network takes any. Another seed gives
                other pictures for the same inputs.

        Returns:
            Float32 array in [0, 1], `(n, h, w)` if the pictures are grey and `(n, h, w,
            3)` otherwise.
        """
        made = rescale(self.outputs(inputs, seed), self.pixel_range, (0.0, 1.0))
        made = np.clip(made, 0, 1)
        return made[..., 0] if made.shape[3] == 1 else made

    def outputs(self, inputs: npt.ArrayLike, seed: int = 0) -> np.ndarray:
        """The network's outputs, float32 `(n, h, w, c)`; see `translate`."""
        expect_seed(2**32, seed=seed)
        given = np.asarray(inputs)
        if self.input_shape[2] == 1 and given.ndim == 3:
            given = given[..., None]
        given = np.float32(expect_array((None, *self.input_shape), inputs=given))
        pictures = given[..., :-1] if self.masked else given
        scaled = rescale(pictures, (0.0, 1.0), self.pixel_range)
        if self.masked:
            scaled = np.concatenate([scaled, given[..., -1:]], axis=3)
        arrays = self._arrays(np.float32(scaled), seed)
        return in_parts(self.network, *arrays, size=_AT_ONCE)

    def _arrays(self, inputs, seed):
        """The network's arguments for inputs: latents, if it takes any, and inputs."""
        if self.latent_generator is None:
            return [inputs]
        with drawn_from(seeds_of(seed).__next__):
            return [np.array(self.latent_generator(len(inputs))), inputs]

    def some_inputs(self, count: int) -> list[np.ndarray]:
        """Random arguments of the network, to compare two versions of it.

        Args:
            count: int, batch size.

        Returns:
            List of float32 arrays: latents, if it takes any, and inputs.
        """
        noise = np.random.default_rng(0).uniform(size=(count, *self.input_shape))
        return self._arrays(np.float32(noise), 0)

    def inputs_of(
        self, targets: npt.ArrayLike, mask: npt.ArrayLike | None = None
    ) -> np.ndarray:
        """Computes inputs from pictures with the layer `condition`.

        Args:
            targets: float array `(n, h, w)` or `(n, h, w, c)` in [0, 1], of the shape
                of the outputs.
            mask: float array `(n, h, w, 1)`, 1 in the hole and 0 elsewhere, for a
                network that fills holes; `None` cuts a hole as large as in
                training, in the middle.

        Returns:
            Float32 array `(n, *input_shape)`, as `translate` takes it.

        Raises:
            InvalidInput: if no layer computed the inputs in training.
        """
        said = "The network was trained without a layer of gan.conditions, so there is "
        said += "none that makes inputs from targets."
        require(self.condition is not None, said, "targets")
        given = np.asarray(targets, np.float32)
        if self.shape[2] == 1 and given.ndim == 3:
            given = given[..., None]
        given = expect_array((None, *self.shape), targets=given)
        if mask is not None:
            said = "The network does not fill holes: leave the argument mask out."
            require(self.masked, said, "mask")
            mask = expect_array((len(given), *self.shape[:2], 1), mask=mask)
            return np.array(cut_out(given, np.float32(mask)))
        return in_parts(self.condition, np.float32(given), size=_AT_ONCE)

    def save(self, path: StrPath) -> None:
        """Writes a `.keras` file for `load_translator` and the commands.

        The file is a quarter as large as that of the model. It holds no optimizer
        state and, of the generator, only the weights that draw (the averages, if there
        are any), so use the model's own file for further training.

        Args:
            path: str or `os.PathLike` that ends in `.keras`.

        Raises:
            InvalidInput: if the path is invalid, or there is no discriminator, which
                the file needs.
        """
        said = "The translator has no discriminator, which files need: save the model."
        require(self.discriminator is not None, said, "path")
        networks = []
        for network in (self.network, self.discriminator):
            copy = keras.models.clone_model(network)
            copy.set_weights(network.get_weights())
            # The clone of an averaged generator is not trainable, but in a file it
            # should be.
            copy.trainable = True
            networks.append(copy)
        rules = [keras.optimizers.SGD() for _ in networks]
        options = {"condition": self.condition, "pixel_range": self.pixel_range}
        options |= {
            "generator_optimizer": rules[0],
            "discriminator_optimizer": rules[1],
        }
        model = TranslationGAN(*networks, self.latent_generator, seed=0, **options)
        model.save(path)

    def as_seen(self, inputs: np.ndarray) -> np.ndarray:
        """Converts inputs into pictures of the outputs' shape, by repeating pixels.

        Args:
            inputs: float array `(n, *input_shape)` in [0, 1].

        Returns:
            Float array `(n, *shape)` in [0, 1].
        """
        shown = inputs[..., :-1] if self.masked else inputs
        height, width, channels = self.shape
        rows, columns = (
            np.arange(side) * own // side
            for side, own in zip((height, width), shown.shape[1:3], strict=True)
        )
        shown = shown[:, rows][:, :, columns]
        if shown.shape[3] == 1 and channels == 3:
            shown = np.repeat(shown, 3, axis=3)
        if shown.shape[3] == 3 and channels == 1:
            shown = shown.mean(axis=3, keepdims=True)
        return shown[..., :channels]

    def __repr__(self) -> str:
        shapes = ["×".join(map(str, shape)) for shape in (self.input_shape, self.shape)]
        return f"<Translator of {' to '.join(shapes)}>"


def load_translator(
    path: StrPath, tell: Callable[[str], object] = print, back: bool = False
) -> Translator:
    """Loads a generator that translates pictures.

    Untrusted files are safe to load: no code in them is executed.

    Args:
        path: str or `os.PathLike`: a `.keras` file that `model.save` wrote, or the
            folder of a finished, running or stopped run, whose newest model is taken.
        tell: callable, called with a line of text if a run's checkpoint is loaded.
        back: bool, whether to take the generator from B to A of a `gan.CycleGAN`
            instead of that from A to B.

    Returns:
        `Translator`.

    Raises:
        InvalidInput: if the path holds no such generator, or the file is damaged.
    """
    path = expect_path(path=path)
    said = f"There is nothing at {path}: name a .keras file or the folder of a run."
    require(path.exists(), said, "path")
    found = load_any(path, tell, back)
    said = f"The model of {path} takes no pictures: load it with gan.load_generator, "
    said += "or use the command generate."
    require(found is not None, said, "path")
    return found


def load_any(
    path: pathlib.Path, tell: Callable[[str], object] = print, back: bool = False
) -> Translator | None:
    """Loads a translator, or returns `None` for a model of another kind.

    Args:
        path: `pathlib.Path` that exists.
        tell: as in `load_translator`.
        back: as in `load_translator`.

    Returns:
        `Translator`, or `None`.
    """
    model = None
    if path.is_dir():
        path, model = trained_model(path, tell)
    if path.suffix == ".h5":
        return None
    model = load_model(path) if model is None else model
    return Translator.of(model, back) if model.takes_pictures else None
