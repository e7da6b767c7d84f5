"""Keras's convolution, pooling and upsampling with fewer operations.

Same names, arguments, weights and results (up to rounding) as in `keras.layers`;
where no shortcut applies, these layers are Keras's own.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

# A convolution of a map of a few pixels is a bilinear map of the pixels x and the
# taps k. Written as y = Y((K k) · (X x)) it costs one product for each row of X and K,
# where Keras pays one for each output and tap. Matrices (X, K, Y) for a row of pixels;
# a map of two dimensions takes Kronecker products of them.
#
# 3 products instead of 6: Karatsuba's trick for y0 = k1 x0 + k2 x1, y1 = k0 x0 + k1 x1.
_TWO = (
    [[1, 1], [0, 1], [1, 0]],
    [[0, 1, 0], [0, -1, 1], [1, -1, 0]],
    [[1, 1, 0], [1, 0, 1]],
)
# 6 instead of 12: Winograd's F(4, 3), whose points 0, 1, -1, 1/2, -2 and infinity lose
# less to rounding than the usual 0, 1, -1, 2, -2 and infinity.
_FOUR = (
    [
        [-3, -4, 3, 2],
        [-2, 1, 5, 2],
        [-2, 5, -1, -2],
        [2, 1, -2, -1],
        [1, -2, -1, 2],
        [2, -3, -4, 3],
    ],
    np.array([[15, 0, 0], [5, 5, 5], [5, -5, 5], [4, 2, 1], [1, -2, 4], [0, 0, 15]])
    / 30,
    [
        [1, 1, 1, 8, 1, 0],
        [0, 1, -1, 4, -2, 0],
        [0, 1, 1, 2, 4, 0],
        [0, 1, -1, 1, -8, 1],
    ],
)
# 5 instead of 12, for two pixels that are doubled before the convolution: with
# s = k1 + k2 and t = k0 + k1 the outputs are s x0, t x0 + (s - k1) x1,
# (t - k1) x0 + s x1 and t x1.
_TWO_DOUBLED = (
    [[1, 0], [0, 1], [1, 1], [1, 0], [0, 1]],
    [[0, 1, 1], [1, 1, 0], [1, 2, 1], [0, 1, 0], [0, 1, 0]],
    [[1, 0, 0, 0, 0], [-1, -1, 1, 0, -1], [-1, -1, 1, -1, 0], [0, 1, 0, 0, 0]],
)
_SCHEMES = {2: _TWO, 4: _FOUR}
_SCHEMES_DOUBLED = {2: _TWO_DOUBLED}


@keras.saving.register_keras_serializable(package="gan")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, faster on maps of 2 or 4 pixels to a side.

    The shortcuts hold for 3×3 kernels of stride 1 with padding "same", in float32 or
    float64. Such maps take a quarter of the products, and those of 4 pixels that this
    module's `UpSampling2D` has made from 2 a sixth.

    Formula:
        y = Y((K k) · (X x)) with constant matrices, `·` a product of channels

    Reference:
        Lavin & Gray 2016, Fast Algorithms for Convolutional Neural Networks.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """The convolution alone, without bias and activation."""
        plain = (
            self.kernel_size == (3, 3)
            and self.strides == self.dilation_rate == (1, 1)
            and (self.padding, self.data_format) == ("same", "channels_last")
            and self.groups == 1
            and self.compute_dtype in ("float32", "float64")
        )
        source = getattr(inputs, "_doubled_from", None)
        for pixels, schemes in ((source, _SCHEMES_DOUBLED), (inputs, _SCHEMES)):
            if plain and pixels is not None and {*pixels.shape[1:3]} <= schemes.keys():
                rows, columns = (schemes[size] for size in pixels.shape[1:3])
                return _bilinear(pixels, tf.convert_to_tensor(kernel), rows, columns)
        return super().convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable(package="gan")
class UpSampling2D(keras.layers.UpSampling2D):
    """`keras.layers.UpSampling2D` whose output remembers what it was made from.

    Where this module's `Conv2D` then starts from the small map, nobody reads the large
    one and TensorFlow leaves it out of the graph.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Upsample; keep the input at hand where each pixel is just doubled."""
        outputs = super().call(inputs)
        kind = (self.size, self.interpolation, self.data_format)
        if kind == ((2, 2), "nearest", "channels_last"):
            outputs._doubled_from = inputs
        return outputs


@keras.saving.register_keras_serializable(package="gan")
class MaxPooling2D(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` with a faster second derivative.

    A gradient penalty differentiates twice. TensorFlow's `MaxPoolGradGrad` is many
    times slower than the pooling itself; here the second derivative is the sum over
    each window of what arrives, times 1 at the maximum and 0 elsewhere. That holds for
    windows that neither overlap nor leave the picture, and is exact, ties included.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Take the maximum over each window."""
        kind = (self.strides, self.padding, self.data_format)
        if kind != (self.pool_size, "valid", "channels_last"):
            return super().call(inputs)
        return _max_pool(inputs, self.pool_size)


def _bilinear(x, kernel, rows, columns):
    """Convolve maps `(batch, h, w, c)` by `(3, 3, c, f)` as one batched product."""
    to_x, to_k, to_y = (
        np.kron(a, b).astype(x.dtype.as_numpy_dtype)
        for a, b in zip(rows, columns, strict=True)
    )
    height, width, channels = x.shape[1:]
    filters, products = kernel.shape[-1], len(to_x)
    # Pixels first: then all three transforms are plain matrix products.
    x = tf.reshape(tf.transpose(x, (1, 2, 0, 3)), (height * width, -1))
    x = tf.reshape(to_x @ x, (products, -1, channels))
    kernel = to_k @ tf.reshape(kernel, (9, channels * filters))
    kernel = tf.reshape(kernel, (products, channels, filters))
    y = to_y @ tf.reshape(x @ kernel, (products, -1))
    y = tf.reshape(y, (len(rows[2]), len(columns[2]), -1, filters))
    return tf.transpose(y, (2, 0, 1, 3))


def _max_pool(x, size):
    """Maxima over windows of `size` side by side."""
    window = {"ksize": (1, *size, 1), "strides": (1, *size, 1), "padding": "VALID"}

    def to_maxima(x, y, g):
        return tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=y, grad=g, **window)

    @tf.custom_gradient
    def pool_gradient(x, y, g):
        def gradient(v):
            # One pixel of each window is chosen, so that sum and mean differ by a
            # factor; the mean has the faster kernel.
            chosen = to_maxima(x, y, tf.ones_like(y))
            mean = tf.raw_ops.AvgPool(value=chosen * v, **window)
            return None, None, size[0] * size[1] * mean

        return to_maxima(x, y, g), gradient

    @tf.custom_gradient
    def pool(x):
        y = tf.raw_ops.MaxPool(input=x, **window)
        return y, lambda g: pool_gradient(x, y, g)

    return pool(x)
