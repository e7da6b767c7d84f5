"""Layers that compute the inputs of a `gan.TranslationGAN` from the targets.

`gan.TranslationGAN(condition=gan.conditions.Shrunk(4))` learns to enlarge pictures.
With `Hole` it learns to fill in holes, with `Grey` to colour, and with `Edges` to paint
from lines. The inputs need not be stored.
"""

from __future__ import annotations

import numbers
from typing import Any

import keras
import tensorflow as tf

from gan.data.named_inputs import parse_condition
from gan.errors import expect_choice, expect_positive_int, require, shown
from gan.latent import next_seed

_GREY = 0.5  # the colour of a hole


class Condition(keras.layers.Layer):
    """Base class of layers that compute a generator's inputs from target pictures.

    A subclass has `call(pictures, training=False)`. It takes random seeds from
    `gan.latent.next_seed`, so that a resumed run draws the same numbers.

    Attributes:
        pixel_range: pair of floats, the values of black and white in its input and
            output. A model scales pictures of another `pixel_range` to this one and
            back.
        masked: bool, whether the last channel of its output is a mask, 1 where the
            generator draws and 0 where the picture is known.
    """

    pixel_range = (0.0, 1.0)
    masked = False


@keras.saving.register_keras_serializable(package="gan")
class Shrunk(Condition):
    """Shrinks pictures by the mean over squares, for a model that enlarges.

    Args:
        factor: int, at least 2, side of a square in pixels. It must divide both sides
            of the pictures.
        **options: options of `keras.layers.Layer`.

    Call arguments:
        pictures: float32 tensor `(batch, h, w, c)` of any range.

    Returns:
        Float32 tensor `(batch, h / factor, w / factor, c)` of the same range.
    """

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        expect_positive_int(factor=factor)
        said = "The argument factor must be at least 2, but it is 1."
        require(factor > 1, said, "factor")
        self.factor = int(factor)

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Shrink pictures; see the class."""
        self.compute_output_shape(tuple(pictures.shape))
        window = {"ksize": self.factor, "strides": self.factor, "padding": "VALID"}
        return tf.nn.avg_pool2d(pictures, **window)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of the output for an input of this shape."""
        batch, height, width, channels = _expect_pictures(self, input_shape)
        require(
            height % self.factor == 0 and width % self.factor == 0,
            f"The argument factor must divide the sides of the pictures, {height} and "
            f"{width}, but it is {self.factor}.",
            "factor",
        )
        return batch, height // self.factor, width // self.factor, channels

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal layer."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="gan")
class Hole(Condition):
    """Cuts a hole into pictures, for a model that fills it in.

    Args:
        size: int, at least 1, side of the hole in pixels; or float in (0, 1), its share
            of each side of the picture.
        anywhere: bool, whether each picture's hole is placed at random in training.
            Otherwise, and outside training, it is in the middle.
        **options: options of `keras.layers.Layer`.

    Call arguments:
        pictures: float32 tensor `(batch, h, w, c)` in [0, 1].
        training: bool, see `anywhere`.

    Returns:
        Float32 tensor `(batch, h, w, c + 1)` in [0, 1]: the pictures with 0.5 in the
        hole, and the mask as last channel, 1 in the hole and 0 elsewhere.

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
            "The argument size must be a positive integer (pixels), or a share of the "
            f"side between 0 and 1, but it is {shown(size)}.",
            "size",
        )
        expect_choice((True, False), anywhere=anywhere)
        self.size = int(size) if whole else float(size)
        self.anywhere = bool(anywhere)

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Cut holes into pictures; see the class."""
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
        """Shape of the output for an input of this shape."""
        *others, channels = _expect_pictures(self, input_shape)
        self._sizes(others[1:])
        return (*others, channels + 1)

    def _sizes(self, sides):
        share = isinstance(self.size, float)
        sizes = [round(self.size * n) if share else self.size for n in sides[:2]]
        fits = all(1 <= n < side for n, side in zip(sizes, sides, strict=False))
        said = "The argument size must give a hole of at least one pixel, smaller than "
        said += f"the pictures of {sides[0]}×{sides[1]} pixels, but it is {self.size}."
        require(fits, said, "size")
        return sizes

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal layer."""
        own = {"size": self.size, "anywhere": self.anywhere}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="gan")
class Grey(Condition):
    """Makes pictures grey, for a model that colours them.

    Call arguments:
        pictures: float32 tensor `(batch, h, w, 3)` of any range.

    Returns:
        Float32 tensor `(batch, h, w, 1)` of the same range.

    Formula:
        .299 red + .587 green + .114 blue (ITU-R 601 luma)
    """

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Make pictures grey; see the class."""
        self.compute_output_shape(tuple(pictures.shape))
        return _luma(pictures)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of the output for an input of this shape."""
        *others, channels = _expect_pictures(self, input_shape)
        said = "Grey takes pictures with three channels, but these have "
        require(channels == 3, f"{said}{channels}: give pictures in colour.", None)
        return (*others, 1)


@keras.saving.register_keras_serializable(package="gan")
class Edges(Condition):
    """Draws the edges of pictures, dark on white, for a model that paints from lines.

    Call arguments:
        pictures: float32 tensor `(batch, h, w, c)` in [0, 1], c 1 or 3.

    Returns:
        Float32 tensor `(batch, h, w, 1)` in [0, 1].

    Formula:
        1 − min(1, √(s_x² + s_y² + 1e-12) / 2), s the Sobel derivatives of the luma; an
        edge is black if the luma on both sides differs by at least 0.5
    """

    def call(self, pictures: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Draw the edges of pictures; see the class."""
        _expect_pictures(self, pictures.shape)
        grey = _luma(pictures) if pictures.shape[-1] == 3 else pictures
        slopes = tf.reduce_sum(tf.square(tf.image.sobel_edges(grey)), axis=-1)
        return 1.0 - tf.minimum(1.0, tf.sqrt(slopes + 1e-12) / 2.0)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of the output for an input of this shape."""
        *others, _ = _expect_pictures(self, input_shape)
        return (*others, 1)


def named(text: str) -> Condition:
    """Makes the layer of this module that a text describes.

    Args:
        text: str, such as "shrunk:4", "hole:16", "hole:0.5", "hole:16:anywhere", "grey"
            or "edges".

    Returns:
        `Condition`.

    Raises:
        InvalidInput: if the text describes no layer.
    """
    name, arguments = parse_condition(text)
    return _LAYERS[name](**arguments)


_LAYERS: dict[str, type[Condition]]
_LAYERS = {"Shrunk": Shrunk, "Hole": Hole, "Grey": Grey, "Edges": Edges}


def cut_out(pictures: Any, mask: Any) -> tf.Tensor:
    """Cuts holes into pictures, as `Hole` does, where a mask is 1.

    Args:
        pictures: float tensor `(batch, h, w, c)` in [0, 1].
        mask: float tensor `(batch, h, w, 1)`, 1 where there is a hole and 0 elsewhere.

    Returns:
        Float tensor `(batch, h, w, c + 1)` in [0, 1], the mask last.
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
