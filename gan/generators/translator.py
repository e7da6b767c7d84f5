"""A trained generator that makes pictures from pictures, when the training is over."""

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

_AT_ONCE = 250  # pictures that go through a network together


class Translator:
    """A generator that makes a picture from a picture.

    `gan.load_translator` makes it of a file or of the folder of a run. All pictures are
    in [0, 1].

    Attributes:
        network: `keras.Model`, the averaged generator where there is one.
        condition: layer that made inputs of targets in training, or `None`.
        latent_generator: callable, or `None` where the network takes inputs alone.
        input_shape: tuple `(h, w, c)`, of an input.
        shape: tuple `(h, w, c)`, of what is made of it.
        pixel_range: pair of floats, black and white of the network.
        masked: bool, whether the last channel of an input is a mask, 1 where the
            picture is to be made.
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
        """Make it of its parts, see the class."""
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
        """The generator of a model, as it draws now; of a CycleGAN with `back` F."""
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
        """Make pictures of pictures.

        Args:
            inputs: float array `(n, h, w, c)` in [0, 1] of the form of an input, the
                mask included; without the last axis where c is 1.
            seed: int, of latents, where the network takes any: another one makes other
                pictures of the same inputs.

        Returns:
            Float32 array in [0, 1], `(n, h, w)` where they are grey and `(n, h, w, 3)`
            where not.
        """
        made = rescale(self.outputs(inputs, seed), self.pixel_range, (0.0, 1.0))
        made = np.clip(made, 0, 1)
        return made[..., 0] if made.shape[3] == 1 else made

    def outputs(self, inputs: npt.ArrayLike, seed: int = 0) -> np.ndarray:
        """What the network itself gives, float32 `(n, h, w, c)`; see `translate`."""
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
        """What the network takes of inputs: those, behind latents where it does."""
        if self.latent_generator is None:
            return [inputs]
        with drawn_from(seeds_of(seed).__next__):
            return [np.array(self.latent_generator(len(inputs))), inputs]

    def some_inputs(self, count: int) -> list[np.ndarray]:
        """Arrays of noise that the network takes, to compare two forms of it on.

        Args:
            count: int, how many.

        Returns:
            List of float32 arrays: latents, where it takes any, and inputs.
        """
        noise = np.random.default_rng(0).uniform(size=(count, *self.input_shape))
        return self._arrays(np.float32(noise), 0)

    def inputs_of(
        self, targets: npt.ArrayLike, mask: npt.ArrayLike | None = None
    ) -> np.ndarray:
        """The inputs that training would have made of pictures.

        Args:
            targets: float array `(n, h, w)` or `(n, h, w, c)` in [0, 1], of the shape
                of what the network makes.
            mask: array `(n, h, w, 1)`, 1 where there is a hole, of a network that fills
                holes; `None`: the hole of training, in the middle.

        Returns:
            Float32 array `(n, …)`, as `translate` takes it.

        Raises:
            InvalidInput: if the network was trained on pairs.
        """
        said = "The network was trained on pairs, so it has no layer that makes inputs."
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
        """Write it to a `.keras` file, for `load_translator`, `translate` and `page`.

        The file is a quarter of that of the model, which is to be trained on: it holds
        no moments of optimizers and no weights but those that are drawn with.

        Args:
            path: str or `os.PathLike` that ends in `.keras`.

        Raises:
            InvalidInput: if it is not of that form, or there is no discriminator, which
                the file holds as well.
        """
        said = "The translator has no discriminator, which files need: save the model."
        require(self.discriminator is not None, said, "path")
        networks = []
        for network in (self.network, self.discriminator):
            copy = keras.models.clone_model(network)
            copy.set_weights(network.get_weights())
            # A clone of an average is not to be trained, and so is this one.
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
        """Inputs as pictures of the form of the outputs, a small pixel as a block.

        Args:
            inputs: float array `(n, h, w, c)`, as of `translate`.

        Returns:
            Float array `(n, *shape)`.
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
    """Load a generator that makes pictures from pictures.

    Args:
        path: str or `os.PathLike`: a `.keras` file of `model.save`, or the folder of a
            run, finished, running or stopped, of which the newest is taken. A file need
            not be trusted: nothing in it is executed.
        tell: callable that is given a line where a checkpoint of a run is taken.
        back: bool, of a `gan.CycleGAN` the generator from B to A instead of that from
            A to B.

    Returns:
        `Translator`.

    Raises:
        InvalidInput: if there is nothing of that kind, or it is damaged.
    """
    path = expect_path(path=path)
    said = f"There is nothing at {path}: name a .keras file or the folder of a run."
    require(path.exists(), said, "path")
    found = load_any(path, tell, back)
    said = f"The model of {path} makes nothing from pictures: gan.load_generator and "
    said += "the command generate run it."
    require(found is not None, said, "path")
    return found


def load_any(
    path: pathlib.Path, tell: Callable[[str], object] = print, back: bool = False
) -> Translator | None:
    """As `load_translator`, of a path that exists; `None` for a model of another kind.

    Args:
        path: `pathlib.Path`.
        tell: as of `load_translator`.
        back: the same.
    """
    model = None
    if path.is_dir():
        path, model = trained_model(path, tell)
    if path.suffix == ".h5":
        return None
    model = load_model(path) if model is None else model
    return Translator.of(model, back) if model.takes_pictures else None
