"""Keras's convolution and pooling layers with fewer operations."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from gan.support.devices import only_cpu

# A convolution is bilinear in the pixels x and the kernel k. Written as y = Y((K k) ·
# (X x)), it needs one product for each row of X and K, while Keras's needs one for each
# output and kernel element. The matrices (X, K, Y) are for a row of pixels; a map of
# two dimensions uses their Kronecker products.
#
# 3 products instead of 6: Karatsuba's method for
# y0 = k1 x0 + k2 x1, y1 = k0 x0 + k1 x1.
_TWO = (
    [[1, 1], [0, 1], [1, 0]],
    [[0, 1, 0], [0, -1, 1], [1, -1, 0]],
    [[1, 1, 0], [1, 0, 1]],
)
# 6 products instead of 12: Winograd's F(4, 3). The points 0, 1, -1, 1/2, -2 and
# infinity have smaller rounding errors than the usual 0, 1, -1, 2, -2 and infinity.
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
_SCHEMES = {2: _TWO, 4: _FOUR}
# 4 products instead of 12, if the 4 pixels are 2 doubled ones: y0 = a x0 and y3 = b x1
# at the ends, a = k1 + k2 and b = k0 + k1; in between, two polynomials are multiplied
# at the points 1 and -1.
_DOUBLED = (
    [[1, 0], [1, 1], [1, -1], [0, 1]],
    [[0, 1, 1], [2, 3, 2], [0, 1, 0], [1, 1, 0]],
    np.array([[2, 0, 0, 0], [-2, 1, 1, -2], [-2, 1, -1, -2], [0, 0, 0, 2]]) / 2,
)


@contextlib.contextmanager
def accelerated(*networks: keras.Model) -> Iterator[None]:
    """In this context networks need fewer operations.

    Weights, saved files and (up to rounding) results do not change: only the functions
    that layers call are replaced, and restored afterwards. On a GPU nothing is
    replaced.

    - A 3×3 convolution with stride 1 and padding "same" on a map with sides of 2 or 4
      pixels needs a quarter of the products, and a ninth if an `UpSampling2D` has
      doubled a 2×2 map. A NaN spreads over the whole map, and numbers near 1e37
      overflow.
    - A gradient penalty needs second derivatives, and TensorFlow's second derivative of
      max pooling is many times slower than the pooling itself. For windows that do not
      overlap, it is computed here as a sum over each window, with the weight 1 at the
      maximum and 0 elsewhere. Rounding may decide between equal maxima.

    Args:
        *networks: functional or sequential `keras.Model`, float32 or float64.

    Formula:
        y = Y((K k) · (X x)) with constant matrices, `·` a product of channels

    Reference:
        Lavin & Gray 2016, Fast Algorithms for Convolutional Neural Networks.
    """
    layers = [*_leaves(networks)] if only_cpu() else []
    quicker = {id(layer): (layer, *_shortcut(layer)) for layer in layers}
    # A function that the user has replaced is left as it is.
    quicker = [q for q in quicker.values() if q[1] and q[1] not in vars(q[0])]
    for layer, name, function in quicker:
        setattr(layer, name, function)
    try:
        yield
    finally:
        for layer, name, _ in quicker:
            delattr(layer, name)


def _leaves(networks):
    for network in networks:
        for layer in network.layers:
            if isinstance(layer, keras.Model):
                yield from _leaves([layer])
            else:
                yield layer


def _shortcut(layer):
    """The name of a layer's method and a faster function, or `(None, None)`."""
    if type(layer) is keras.layers.Conv2D and _is_plain(layer):
        usual = type(layer).convolution_op.__get__(layer)
        return "convolution_op", functools.partial(_convolve, usual=usual)
    if type(layer) is keras.layers.UpSampling2D and _is_doubling(layer):
        return "call", _double
    if type(layer) is keras.layers.MaxPooling2D and _is_side_by_side(layer):
        return "call", functools.partial(_max_pool, size=layer.pool_size)
    return None, None


def _is_plain(layer):
    return (
        layer.kernel_size == (3, 3)
        and layer.strides == layer.dilation_rate == (1, 1)
        and (layer.padding, layer.data_format) == ("same", "channels_last")
        and layer.groups == 1
        and layer.compute_dtype in ("float32", "float64")
    )


def _is_doubling(layer):
    kind = (layer.size, layer.interpolation, layer.data_format)
    return kind == ((2, 2), "nearest", "channels_last")


def _is_side_by_side(layer):
    kind = (layer.strides, layer.padding, layer.data_format)
    return kind == (layer.pool_size, "valid", "channels_last")


def _double(x):
    y = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
    y.doubled_from = x
    return y


def _convolve(inputs, kernel, usual):
    kernel = tf.convert_to_tensor(kernel)
    small = getattr(inputs, "doubled_from", None)
    if small is not None and tuple(small.shape[1:3]) == (2, 2):
        return _bilinear(small, kernel, _DOUBLED, _DOUBLED)
    if not {*inputs.shape[1:3]} <= _SCHEMES.keys():
        return usual(inputs, kernel)
    rows, columns = (_SCHEMES[size] for size in inputs.shape[1:3])
    return _bilinear(inputs, kernel, rows, columns)


def _bilinear(x, kernel, rows, columns):
    """Convolve maps `(batch, h, w, c)` with `(3, 3, c, f)` as one batched product."""
    to_x, to_k, to_y = (
        np.kron(a, b).astype(x.dtype.as_numpy_dtype)
        for a, b in zip(rows, columns, strict=True)
    )
    height, width, channels = x.shape[1:]
    filters, products = kernel.shape[-1], len(to_x)
    # With the pixels first, all three transforms are plain matrix products.
    x = tf.reshape(tf.transpose(x, (1, 2, 0, 3)), (height * width, -1))
    x = tf.reshape(to_x @ x, (products, -1, channels))
    kernel = to_k @ tf.reshape(kernel, (9, channels * filters))
    kernel = tf.reshape(kernel, (products, channels, filters))
    y = to_y @ tf.reshape(x @ kernel, (products, -1))
    y = tf.reshape(y, (len(rows[2]), len(columns[2]), -1, filters))
    return tf.transpose(y, (2, 0, 1, 3))


def _max_pool(x, size):
    """Maxima over windows of `size` that do not overlap."""
    window = {"ksize": (1, *size, 1), "strides": (1, *size, 1), "padding": "VALID"}

    def to_maxima(x, y, g):
        return tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=y, grad=g, **window)

    @tf.custom_gradient
    def pool_gradient(x, y, g):
        def gradient(v):
            # One pixel of each window is chosen, so sum and mean differ only by a
            # factor. The mean has the faster kernel.
            chosen = to_maxima(x, y, tf.ones_like(y))
            mean = tf.raw_ops.AvgPool(value=chosen * v, **window)
            return None, None, size[0] * size[1] * mean

        return to_maxima(x, y, g), gradient

    @tf.custom_gradient
    def pool(x):
        y = tf.raw_ops.MaxPool(input=x, **window)
        return y, lambda g: pool_gradient(x, y, g)

    return pool(x)
