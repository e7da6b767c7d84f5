"""What a generator is given of a picture: a layer makes it of the target itself.

`gan.TranslationGAN(condition=gan.conditions.Shrunk(4))` learns to enlarge, with `Hole`
to fill in, with `Grey` to colour, with `Edges` to paint what lines show. No pair is
stored that can be made.
"""

from __future__ import annotations

import numbers
from typing import Any

import keras
import tensorflow as tf

from gan.data.named_inputs import parse_condition
from gan.errors import expect_choice, expect_positive_int, require, shown
from gan.latent import next_seed

_GREY = 0.5  # what is seen in a hole


class Condition(keras.layers.Layer):
    """A layer that makes of target pictures what a generator is given.

    A subclass has `call(pictures, training=False)`. What it draws at random it draws
    with `gan.latent.next_seed`, so that a resumed run draws the same.

    Attributes:
        pixel_range: pair of floats, black and white of what it takes and gives. A model
            brings pictures of another `pixel_range` to this one and back.
        masked: bool, whether the last channel of what it gives is a mask, 1 where the
            picture is to be made and 0 where it is known.
    """

    pixel_range = (0.0, 1.0)
    masked = False


@keras.saving.register_keras_serializable(package="gan")
class Shrunk(Condition):
    """Pictures made smaller by the mean over squares, for a model that enlarges.

    Args:
        factor: int from 2, pixels on the side of a square; it divides both sides.
        **options: those of `keras.layers.Layer`.

    Returns:
        Of a call: float32 tensor `(batch, h / factor, w / factor, c)`, of the range of
        its input.
    """

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        expect_positive_int(factor=factor)
        said = "The argument factor must be at least 2, but it is 1."
        require(factor > 1, said, "factor")
        self.factor = int(factor)

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Smaller pictures; see the class."""
        self.compute_output_shape(tuple(pictures.shape))
        window = {"ksize": self.factor, "strides": self.factor, "padding": "VALID"}
        return tf.nn.avg_pool2d(pictures, **window)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of what it gives, of the shape of what it is given."""
        batch, height, width, channels = _expect_pictures(self, input_shape)
        require(
            height % self.factor == 0 and width % self.factor == 0,
            f"The argument factor must divide the sides of the pictures, {height} and "
            f"{width}, but it is {self.factor}.",
            "factor",
        )
        return batch, height // self.factor, width // self.factor, channels

    def get_config(self) -> dict[str, Any]:
        """Arguments that make an equal layer."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="gan")
class Hole(Condition):
    """Pictures with a square hole, for a model that fills it in.

    Args:
        size: int from 1, pixels on the side of the hole; or float in (0, 1), its share
            of each side of the picture.
        anywhere: bool, whether the hole of each picture lies at a place drawn at
            random in training. Otherwise, and outside training, it lies in the middle.
        **options: those of `keras.layers.Layer`.

    Returns:
        Of a call: float32 tensor `(batch, h, w, c + 1)`: the pictures, .5 in the hole,
        and the mask, 1 in the hole and 0 elsewhere.

    Reference:
        Pathak et al. 2016, Context Encoders: Feature Learning by Inpainting.
    """

    masked = True

    def __init__(
        self, size: int | float, anywhere: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        number = isinstance(size, numbers.Real) and not isinstance(size, bool)
        whole = number and isinstance(size, numbers.Integral)
        require(
            number and (size >= 1 if whole else 0 < size < 1),
            "The argument size must be a positive integer, pixels, or a share of the "
            f"side between 0 and 1, but it is {shown(size)}.",
            "size",
        )
        expect_choice((True, False), anywhere=anywhere)
        self.size = int(size) if whole else float(size)
        self.anywhere = bool(anywhere)

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Pictures with a hole, and its mask; see the class."""
        batch, sides = tf.shape(pictures)[0], _expect_pictures(self, pictures.shape)[1:]
        inside = []
        for side, size in zip(sides[:2], self._sizes(sides), strict=True):
            first = tf.fill((batch, 1), (side - size) // 2)
            if training and self.anywhere:
                most, seed = side - size + 1, next_seed()
                first = tf.random.stateless_uniform((batch, 1), seed, 0, most, tf.int32)
            pixels = tf.range(side)[None]
            inside.append((pixels >= first) & (pixels < first + size))
        rows, columns = inside
        mask = rows[:, :, None, None] & columns[:, None, :, None]
        return cut_out(pictures, tf.cast(mask, pictures.dtype))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of what it gives, of the shape of what it is given."""
        *others, channels = _expect_pictures(self, input_shape)
        self._sizes(others[1:])
        return (*others, channels + 1)

    def _sizes(self, sides):
        share = isinstance(self.size, float)
        sizes = [round(self.size * n) if share else self.size for n in sides[:2]]
        fits = all(1 <= n < side for n, side in zip(sizes, sides, strict=False))
        said = f"The argument size must leave something of pictures of {sides[0]}×"
        said += f"{sides[1]} pixels, but it is {self.size}."
        require(fits, said, "size")
        return sizes

    def get_config(self) -> dict[str, Any]:
        """Arguments that make an equal layer."""
        own = {"size": self.size, "anywhere": self.anywhere}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="gan")
class Grey(Condition):
    """Pictures without their colours, for a model that colours them.

    Returns:
        Of a call: float32 tensor `(batch, h, w, 1)`.

    Formula:
        .299 red + .587 green + .114 blue (ITU-R 601 luma)
    """

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Grey pictures; see the class."""
        self.compute_output_shape(tuple(pictures.shape))
        return _luma(pictures)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of what it gives, of the shape of what it is given."""
        *others, channels = _expect_pictures(self, input_shape)
        said = "Grey takes pictures with three channels, but these have "
        require(channels == 3, f"{said}{channels}: give pictures in colour.", None)
        return (*others, 1)


@keras.saving.register_keras_serializable(package="gan")
class Edges(Condition):
    """The lines of pictures, dark on white, for a model that paints what they show.

    Returns:
        Of a call: float32 tensor `(batch, h, w, 1)` in [0, 1].

    Formula:
        1 − min(1, √(s_x² + s_y² + 1e-12) / 2), s the Sobel derivatives of the luma:
        black from a step of .5 on
    """

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Lines; see the class."""
        _expect_pictures(self, pictures.shape)
        grey = _luma(pictures) if pictures.shape[-1] == 3 else pictures
        slopes = tf.reduce_sum(tf.square(tf.image.sobel_edges(grey)), axis=-1)
        return 1.0 - tf.minimum(1.0, tf.sqrt(slopes + 1e-12) / 2.0)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of what it gives, of the shape of what it is given."""
        *others, _ = _expect_pictures(self, input_shape)
        return (*others, 1)


def named(text: str) -> Condition:
    """The layer of this module that a text names.

    Args:
        text: str, "shrunk:4", "hole:16", "hole:0.5", "hole:16:anywhere", "grey" or
            "edges".

    Returns:
        A layer.

    Raises:
        InvalidInput: for another text.
    """
    name, arguments = parse_condition(text)
    return _LAYERS[name](**arguments)


_LAYERS: dict[str, type[Condition]]
_LAYERS = {"Shrunk": Shrunk, "Hole": Hole, "Grey": Grey, "Edges": Edges}


def cut_out(pictures: Any, mask: Any) -> tf.Tensor:
    """Pictures with holes where a mask is, as `Hole` gives them.

    Args:
        pictures: float tensor `(batch, h, w, c)` in [0, 1].
        mask: float tensor `(batch, h, w, 1)`, 1 where there is a hole and 0 elsewhere.

    Returns:
        Float tensor `(batch, h, w, c + 1)`.
    """
    return tf.concat([pictures * (1.0 - mask) + _GREY * mask, mask], axis=-1)


def _luma(pictures):
    weights = tf.constant([0.299, 0.587, 0.114], pictures.dtype)
    return tf.reduce_sum(pictures * weights, axis=-1, keepdims=True)


def _expect_pictures(layer, shape):
    shape = tuple(shape)
    fits = len(shape) == 4 and None not in shape[1:]
    said = f"{type(layer).__name__} changes pictures (batch, h, w, c), but these have "
    require(fits, f"{said}the shape {shape}.", "pictures")
    return shape
