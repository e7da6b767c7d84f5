"""A trained generator, which draws pictures after training."""

from __future__ import annotations

import functools
import numbers
import random
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.conditions.words import Words, vectors_of
from gan.data.pixels import find_pixel_range
from gan.errors import (
    StrPath,
    expect_array,
    expect_number,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.generators.directions import Direction, Directions
from gan.generators.given import Bar, given_examples
from gan.generators.project import Projection, project
from gan.latent import drawn_from
from gan.training.inputs import condition_shape, count_classes, latent_shape
from gan.training.networks import is_picture

if TYPE_CHECKING:
    from gan.base import AdversarialModel

# One text or several, one vector or several.
Condition = str | Sequence[str] | npt.ArrayLike | None
Labels = int | str | Sequence[int | str] | npt.NDArray[Any] | None
_AT_ONCE = 1000  # batch size of drawing
_LOOKED_AT = 64  # fakes from which an unknown pixel range is inferred


class TrainedGenerator:
    """A generator that draws pictures, or other examples, from latents.

    `gan.load_generator` loads it from a file or from the folder of a run.

    Attributes:
        network: `keras.Model`, the averaged generator if there is one.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`.
        discriminator: `keras.Model` that was trained with it, or `None`.
        shape: tuple, shape of one example.
        classes: int, number of classes, or `None` if it takes no labels.
        names: list of str, names of the classes, or `None`.
        condition_shape: tuple, `()` if it takes labels, `(d,)` if it takes vectors;
            `None` if it takes only latents.
        words: `gan.conditions.Words` that turns texts into vectors, or `None`.
        usual_conditions: float array `(k, d)`, condition vectors of the training data,
            which are used if no condition is given; or `None`.
        pixel_range: pair of floats, the values of black and white in the network's
            outputs; `None` if these are not pictures.
        noun: str, "face" or "picture", the name of its pictures in messages.

    Example:

    ```python
    generator = gan.load_generator()
    gan.plots.save(gan.plots.mosaic(generator.draw(400)), "faces.png")
    ```
    """

    noun: str = "picture"

    def __init__(
        self,
        network: keras.Model,
        latent_generator: Callable[[int], tf.Tensor],
        pixel_range: tuple[float, float] | None = None,
        names: list[str] | None = None,
        discriminator: keras.Model | None = None,
        picture: tuple[np.ndarray, np.ndarray] | None = None,
        words: Words | None = None,
        usual_conditions: npt.ArrayLike | None = None,
    ) -> None:
        """Make a trained generator from its parts.

        Args:
            network: see the class.
            latent_generator: see the class.
            pixel_range: see the class; `None` infers it from some outputs.
            names: see the class; `None` names the classes by their numbers.
            discriminator: see the class.
            picture: pair of float arrays `(mean, multiplier)` from an `.h5` file: a
                picture is the output times `multiplier` plus `mean`. `None` uses
                `pixel_range` instead.
            words: see the class.
            usual_conditions: see the class.
        """
        self.network: keras.Model = network
        self.latent_generator: Any = latent_generator
        self.discriminator: keras.Model | None = discriminator
        self.shape: tuple[int, ...] = tuple(network.output_shape[1:])
        self.classes: int | None = count_classes(network)
        digits = None if self.classes is None else [*map(str, range(self.classes))]
        self.names: list[str] | None = names or digits
        self.condition_shape: tuple[int, ...] | None = condition_shape(network)
        self.words: Words | None = words
        self.usual_conditions: np.ndarray | None = None
        if usual_conditions is not None:
            self.usual_conditions = np.array(usual_conditions, np.float32)
        self._picture = picture
        if is_picture(self.shape) and picture is None and pixel_range is None:
            pixel_range = find_pixel_range(self.outputs(_LOOKED_AT))
        self.pixel_range: tuple[float, float] | None = pixel_range

    @classmethod
    def of(cls, model: AdversarialModel) -> TrainedGenerator:
        """Make a trained generator from a model in its present state."""
        require(
            not model.takes_pictures,
            "The model makes pictures from pictures, not from latents: load it with "
            "gan.load_translator, or use the command translate.",
            "model",
        )
        require(
            model.latent_generator is not None,
            "The model has no latent generator, because files contain only those of "
            "gan.latent: set model.latent_generator.",
            "model",
        )
        return cls(
            model.averaged_generator or model.generator,
            model.latent_generator,
            model.pixel_range,
            model.class_names,
            model.discriminator,
            words=model.words,
            usual_conditions=model.usual_conditions,
        )

    def latents(self, count: int, seed: int = 0, spread: float = 1.0) -> np.ndarray:
        """Draws latents; the same seed gives the same latents.

        Args:
            count: int, number of latents.
            seed: int from 0 to 2³² − 1.
            spread: float, at least 0, factor of the latents: below 1, pictures are more
                alike and nearer to the average; above 1, they are more varied.

        Returns:
            Float32 array `(count, latent_dim)`.

        Raises:
            InvalidInput: if an argument is invalid, or `spread` is not 1 and the
                latents are not centred at 0.
        """
        expect_positive_int(count=count)
        expect_seed(2**32, seed=seed)
        expect_number(0, spread=spread)
        kind = getattr(self.latent_generator, "latent_type", None)
        require(
            spread == 1 or kind in ("normal", "symmetric"),
            f"The argument spread must be 1 for latents of the kind {shown(kind)}, "
            "which are not centred at 0.",
            "spread",
        )
        with drawn_from(seeds_of(seed).__next__):
            drawn = np.array(self.latent_generator(int(count)))
        return drawn if spread == 1 else drawn * np.float32(spread)

    def draw(
        self,
        latents: int | npt.ArrayLike,
        labels: Labels = None,
        seed: int = 0,
        spread: float = 1.0,
        condition: Condition = None,
    ) -> np.ndarray:
        """Draws pictures.

        Args:
            latents: int, number of pictures to draw, or float array `(n, latent_dim)`,
                such as the method `latents` returns.
            labels: name or number of one class for all pictures, or a list or array of
                n classes; `None` takes all classes in turn.
            seed: int, seed of the latents, if `latents` is an int.
            spread: float, factor of the latents, if `latents` is an int.
            condition: for a generator that takes vectors: float array `(n, d)`, or one
                vector `(d,)` for all; with `words` also a list of n texts, or one text,
                which is completed from captions of the data. `None` takes
                `usual_conditions` in turn.

        Returns:
            Float array of pictures about in [0, 1], `(n, h, w)` if they are grey and
            `(n, h, w, 3)` otherwise. If the examples are not pictures, float array `(n,
            …)` of the network's outputs.

        Raises:
            InvalidInput: if an argument is invalid, or there is no such class.
        """
        given = (labels, seed, spread, condition)
        drawn = self.pictures(self.outputs(latents, *given))
        return drawn[..., 0] if drawn.shape[3:] == (1,) else drawn

    def outputs(
        self,
        latents: int | npt.ArrayLike,
        labels: Labels = None,
        seed: int = 0,
        spread: float = 1.0,
        condition: Condition = None,
    ) -> np.ndarray:
        """The network's outputs, float32 `(n, …)`; the arguments are as in `draw`."""
        if isinstance(latents, numbers.Integral) and not isinstance(latents, bool):
            latents = self.latents(int(latents), seed, spread)
        latents = expect_array((None, *latent_shape(self.network)), latents=latents)
        given = [np.float32(latents)]
        found = self.conditions(len(latents), labels, condition)
        return in_parts(self.network, *given, *([] if found is None else [found]))

    def conditions(
        self, count: int, labels: Labels = None, condition: Condition = None
    ) -> np.ndarray | None:
        """The network's second input.

        Args:
            count: int, number of rows.
            labels: as in `draw`.
            condition: as in `draw`.

        Returns:
            int32 array `(count,)` of classes, float32 array `(count, d)` of vectors, or
            `None` if the network takes neither.
        """
        shape = self.condition_shape
        if not shape:
            said = "The generator takes no vectors: leave the argument condition out."
            require(condition is None, said, "condition")
            classes = shape is not None or labels is not None
            return self.labels(count, labels) if classes else None
        said = "The generator takes no labels but vectors: give condition instead."
        require(labels is None, said, "labels")
        usual = self.usual_conditions
        if condition is None and usual is not None:
            return usual[np.arange(count) % len(usual)]
        return vectors_of(condition, count, shape[0], self.words, usual)

    def interpolate(
        self,
        start: Condition,
        end: Condition,
        steps: int = 8,
        latents: int | npt.ArrayLike = 8,
        seed: int = 0,
        spread: float = 1.0,
    ) -> np.ndarray:
        """Draws pictures on the straight line from one condition to another.

        Args:
            start: text or vector, as `condition` in `draw`.
            end: text or vector. A text is completed from the vector of `start`.
            steps: int, at least 2, number of pictures for each latent.
            latents: as in `draw`.
            seed: as in `draw`.
            spread: as in `draw`.

        Returns:
            Float array of pictures as in `draw`: first the `steps` pictures of the
            first latent, then those of the second, and so on.

        Raises:
            InvalidInput: if an argument is invalid, or the generator takes no vectors.
        """
        said = "Only a generator that takes vectors can be interpolated between two "
        require(self.condition_shape, f"{said}conditions.", "start")
        expect_positive_int(steps=steps)
        require(
            steps > 1, "The argument steps must be at least 2, but it is 1.", "steps"
        )
        if isinstance(latents, numbers.Integral) and not isinstance(latents, bool):
            latents = self.latents(int(latents), seed, spread)
        latents = np.asarray(latents)
        first = np.asarray(self.conditions(len(latents), condition=start))
        if isinstance(end, str):
            size, words = first.shape[1], self.words
            rows = [vectors_of(end, 1, size, words, one[None]) for one in first]
            last = np.concatenate(rows)
        else:
            last = np.asarray(self.conditions(len(latents), condition=end))
        shares = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        ways = (1 - shares) * first[:, None] + shares * last[:, None]
        return self.draw(
            np.repeat(latents, steps, axis=0),
            condition=ways.reshape(-1, ways.shape[-1]),
        )

    def labels(self, count: int, labels: Labels = None) -> np.ndarray:
        """The classes of `count` pictures, int32 `(count,)`; `labels` as in `draw`."""
        if labels is None:
            return np.arange(count, dtype=np.int32) % (self.classes or 1)
        alone = isinstance(labels, str) or np.ndim(labels) == 0
        found = [self._number_of(one) for one in ([labels] if alone else labels)]
        require(
            alone or len(found) == count,
            f"The argument labels must hold {count} classes, as many as there are "
            f"latents, but it holds {len(found)}.",
            "labels",
        )
        return np.full(count, found[0] if alone else found, np.int32)

    def _number_of(self, label):
        names = self.names or []
        number = label
        if isinstance(label, str):
            # A text is first looked up as a name, such as "1" if classes are digits 1
            # to 9.
            number = int(label) if label.isdecimal() else None
            number = names.index(label) if label in names else number
        known = ", ".join(names[:20]) + ", …" * (len(names) > 20)
        said = "The argument labels must name classes of the generator, which knows "
        said += f"{known or 'none'}, but it holds {shown(label)}."
        require(number in range(self.classes or 0), said, "labels")
        return int(number)

    def pictures(self, outputs: npt.ArrayLike) -> np.ndarray:
        """Converts outputs of the network into pictures.

        Args:
            outputs: float array `(n, …)` in `pixel_range`.

        Returns:
            Float array of the same shape, about in [0, 1].

        Formula:
            (outputs − black) / (white − black), (black, white) = `pixel_range`
        """
        outputs = np.asarray(outputs)
        offset, scale = self.picture
        if np.all(scale == 1) and not np.any(offset):
            return outputs
        return outputs * scale + offset

    @property
    def picture(self) -> tuple[np.ndarray, np.ndarray]:
        """Pair `(offset, scale)`; a picture is the output times scale plus offset."""
        if self._picture is not None:
            return self._picture
        black, white = self.pixel_range or (0.0, 1.0)
        return np.array(-black / (white - black)), np.array(1 / (white - black))

    def nearest(
        self, pictures: npt.ArrayLike, among: npt.ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """Finds the real picture nearest to each fake, to see if the generator copies.

        Args:
            pictures: float array `(n, h, w)` or `(n, h, w, c)` in [0, 1], from `draw`.
            among: array `(N, …)` of the same shape and range, such as the training
                pictures.

        Returns:
            Tuple of arrays `(n,)`: int indices into `among`, and floats in [0, 1], the
            root mean squared differences.
        """
        some, reals = (np.asarray(a, np.float32) for a in (pictures, among))
        require(
            some.shape[1:] == reals.shape[1:] and some.ndim >= 2,
            "The argument among must hold pictures of the shape of those in pictures, "
            f"{shown(some.shape[1:])}, but its shape is {shown(reals.shape)}.",
            "among",
        )
        some, reals = (a.reshape(len(a), -1) for a in (some, reals))
        squares = (some**2).sum(1)[:, None] - 2 * some @ reals.T + (reals**2).sum(1)
        numbers = squares.argmin(axis=1)
        # The sums above find the nearest, but are too inexact for differences near 0.
        return numbers, np.sqrt(np.mean((some - reals[numbers]) ** 2, axis=1))

    def project(
        self,
        pictures: npt.ArrayLike | StrPath,
        steps: int = 300,
        restarts: int = 4,
        *,
        labels: Labels = None,
        condition: Condition = None,
        among: npt.ArrayLike | StrPath | None = None,
        seed: int = 0,
        verbose: Any = "auto",
    ) -> Projection:
        """Finds latents from which the generator draws given pictures.

        The search starts from the nearest of 4,000 fakes (100 for each class, if there
        are more than 40 classes). Adam changes the latents so that the drawn picture
        comes near to the given one, to smaller versions of it, and to its features in
        the discriminator, if there is one. A prior keeps the usual length of the
        latents. For each picture, the search begins from 2 · `restarts` fakes (of
        different classes, if there are any); after a sixth of the steps, the better
        half continues. If the latent dimension is at most 256, ten rounds of least
        squares follow.

        Args:
            pictures: array `(n, h, w)` or `(n, h, w, c)`, uint8 or float in [0, 1], of
                the generator's size; grey is converted to colour or colour to grey as
                needed. Or str or `os.PathLike`: a picture, a folder or a file of an
                array, cropped and resized as `gan.train` does. If the examples are not
                pictures, float array `(n, …)`.
            steps: int, number of Adam steps.
            restarts: int, number of starts for each picture.
            labels: classes of the pictures as in `draw`; `None` finds them.
            condition: condition of the pictures as in `draw`, for a generator that
                takes vectors; `None` takes those of the nearest fakes.
            among: training pictures, in the same form as `pictures`. The nearest of
                them is reported with each projection.
            seed: int from 0 to 2³² − 1, seed of the 4,000 fakes.
            verbose: 0 shows no progress, "auto" shows a bar on a terminal, 1 a bar.

        Returns:
            `gan.generators.project.Projection`.

        Raises:
            InvalidInput: if an argument is invalid.

        Formula:
            Σ_s mean (P_s G(z) − P_s x)² + 10⁻⁴ mean (f(G(z)) − f(x))² / mean f(x)²
            + 3·10⁻⁵ (‖z‖² / d − 1)² d / 2, P_s the mean over squares of side 1, 2,
            4, … pixels, f the discriminator without its last layer

        Reference:
            Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN,
            appendix D; Marquardt 1963, An Algorithm for Least-Squares Estimation of
            Nonlinear Parameters.

        Example:

        ```python
        found = generator.project("me.png")
        print(found)
        plainer = generator.draw(found.latents * 0.7, found.labels)  # more average
        ```
        """
        wanted = given_examples(self.shape, pictures=pictures)
        if among is not None:
            among = given_examples(self.shape, among=among)
        bar = Bar(verbose)
        return project(
            self, wanted, steps, restarts, labels, among, seed, bar, condition
        )

    @functools.cached_property
    def directions(self) -> Directions:
        """The named directions of latent space, see `Directions`."""
        return Directions(self)

    def edit(
        self,
        latents: npt.ArrayLike,
        towards: str | Direction,
        amount: float | npt.ArrayLike = 1.0,
        labels: Labels = None,
        keep: Sequence[str] = (),
        condition: Condition = None,
    ) -> np.ndarray:
        """Draws pictures with one attribute changed.

        Args:
            latents: float array `(n, latent_dim)`, such as those of `project`.
            towards: str, the name of one of the `directions`, or a `Direction`.
            amount: float, or float array `(n,)`. At 1, about half of the pictures
                without the attribute get it; below 0, the attribute is removed.
            labels: as in `draw`.
            keep: sequence of str, names of directions that should not change; the
                direction is made orthogonal to them.
            condition: as in `draw`.

        Returns:
            Float array of pictures, as in `draw`.

        Raises:
            InvalidInput: if an argument is invalid, or there is no such direction.
        """
        return self.directions.edit(latents, towards, amount, labels, keep, condition)

    def draw_mixed(self, latents: npt.ArrayLike, weights: npt.ArrayLike) -> np.ndarray:
        """Draws pictures between classes.

        Args:
            latents: float array `(n, latent_dim)`.
            weights: float array `(n, classes)`, weights of the classes; each row sums
                to 1.

        Returns:
            Float array of pictures, as in `draw`.

        Raises:
            InvalidInput: if an argument is invalid, or the generator has no classes.
        """
        require(self.classes, "The generator has no classes to mix.", "weights")
        latents = expect_array((None, *latent_shape(self.network)), latents=latents)
        shape = (len(latents), self.classes)
        weights = np.float32(expect_array(shape, weights=weights))
        kinds = [
            x for x in self.network.layers if isinstance(x, keras.layers.Embedding)
        ]
        table = np.asarray(kinds[0].embeddings)
        said = "The generator's Embedding must take one label for each picture."
        require(kinds[0].output.shape[1:] == table.shape[1:], said, "weights")
        outputs = in_parts(self._mixing, np.float32(latents), weights @ table)
        drawn = self.pictures(outputs)
        return drawn[..., 0] if drawn.shape[3:] == (1,) else drawn

    @functools.cached_property
    def _mixing(self):
        """The network as a function of latents and class weights."""
        kinds = [
            x for x in self.network.layers if isinstance(x, keras.layers.Embedding)
        ]
        return keras.Model(
            [self.network.inputs[0], kinds[0].output], self.network.output
        )

    def __repr__(self) -> str:
        of = f", {self.classes} classes" if self.classes else ""
        if self.condition_shape:
            what = "numbers" if self.words is None else "words"
            of = f", {self.condition_shape[0]} {what}"
        return f"<TrainedGenerator of {'×'.join(map(str, self.shape))}{of}>"


def seeds_of(seed: int) -> Iterator[tf.Tensor]:
    """The seeds that samplers would use after `tf.random.set_seed(seed)`.

    TensorFlow's own random state is neither read nor changed.
    """
    most, numbers = 2**31 - 1, random.Random(seed)
    while True:
        counter = [0, numbers.randint(0, most) % most]
        yield tf.raw_ops.StatelessRandomUniformIntV2(
            shape=(2,),
            key=tf.constant([seed % most], tf.uint64),
            counter=tf.constant(counter, tf.uint64),
            alg=1,
            minval=tf.constant(tf.int64.min),
            maxval=tf.constant(tf.int64.max),
        )


def in_parts(network: Any, *arrays: np.ndarray, size: int = _AT_ONCE) -> np.ndarray:
    """Applies a network to arrays, `size` examples at a time.

    This bounds the memory: the widest layer of the face generator takes 8 KiB for each
    face.
    """
    starts = range(0, len(arrays[0]), size)
    parts = [[array[start : start + size] for array in arrays] for start in starts]
    one = len(arrays) == 1
    return np.concatenate([network(part[0] if one else part) for part in parts])
