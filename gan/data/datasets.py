"""Checks of Datasets on which a model is to train."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.errors import require, shown


def from_py_dataset(value: keras.utils.PyDataset, name: str) -> tf.data.Dataset:
    """Make a Dataset from a PyDataset with batches of arrays or pairs of arrays."""
    first = value[0]
    pair = isinstance(first, (tuple, list)) and len(first) in (1, 2)

    def parts(batch):
        return [np.asarray(part) for part in (batch if pair else [batch])]

    def form(several):
        return tuple(several) if len(several) > 1 else several[0]

    kinds = [part.dtype for part in parts(first)]
    require(
        all(map(is_number, kinds)),
        f"The PyDataset {name} must give batches of numbers, or pairs of examples and "
        f"labels, but it gives the dtypes {', '.join(map(str, kinds))}.",
        name,
    )
    specs = [tf.TensorSpec((None, *p.shape[1:]), p.dtype) for p in parts(first)]
    batches = tf.data.Dataset.from_generator(
        lambda: (form(parts(value[number])) for number in range(len(value))),
        output_signature=form(specs),
    )
    return batches.apply(tf.data.experimental.assert_cardinality(len(value)))


def expect_dataset(
    dataset: Any,
    shape: tuple[int, ...],
    condition: tuple[int, ...] | None,
    name: str,
) -> None:
    """Expect a Dataset whose specification fits a model."""
    spec = dataset.element_spec
    if condition is not None:
        kind = "labels" if condition == () else "conditions"
        pair = isinstance(spec, tuple) and len(spec) == 2
        require(
            pair and all(isinstance(one, tf.TensorSpec) for one in spec),
            f"The networks take {kind}, so the Dataset must give pairs (examples, "
            f"{kind}), but it gives {shown(spec)}: map it to such pairs.",
            name,
        )
        spec, labels = spec
        number = labels.dtype.is_integer or labels.dtype.is_floating
        require(
            condition == ()
            or number
            and labels.shape.rank is not None
            and labels.shape[1:] == condition,
            f"The conditions in the Dataset must be numbers of shape (batch, "
            f"{', '.join(map(str, condition))}), but they are {labels.dtype.name} of "
            f"shape {labels.shape}.",
            name,
        )
    if condition == ():
        require(
            number and labels.shape.rank is not None and labels.shape[1:] in ((), (1,)),
            "The labels in the Dataset must be whole numbers of shape (batch,), but "
            f"they are {labels.dtype.name} of shape {labels.shape}: "
            'read them with class_mode="sparse", or convert one-hot rows to numbers '
            "by map(lambda x, y: (x, tf.argmax(y, axis=1))).",
            name,
        )
    cure = {
        tuple: "leave labels out by map(lambda x, y: x), or read the data with "
        "label_mode=None or class_mode=None",
        dict: 'map(lambda batch: batch["image"]) takes one of its tensors by name',
    }
    require(
        isinstance(spec, tf.TensorSpec),
        f"The Dataset {name} must give batches of examples alone, but it gives "
        f"{shown(spec)}: {cure.get(type(spec), 'map it to one tensor')}.",
        name,
    )
    require(
        spec.shape.rank is not None,
        f"The Dataset {name} does not say the shape of its batches: make it by "
        "from_generator(…, output_signature=tf.TensorSpec(shape, dtype)), or set the "
        "shape by map(lambda x: tf.ensure_shape(x, shape)).",
        name,
    )
    expect_shape(tuple(spec.shape), shape, name)
    said = f"The Dataset {name} must hold numbers, but its dtype is {spec.dtype.name}."
    require(is_number(spec.dtype) and spec.dtype != tf.bool, said, name)


def is_number(dtype: Any) -> bool:
    """Whether a TensorFlow dtype is a number or bool."""
    try:
        dtype = tf.as_dtype(dtype)
    except TypeError:
        return False
    return dtype.is_floating or dtype.is_integer or dtype.is_bool


def expect_shape(found: tuple[Any, ...], shape: tuple[int, ...], name: str) -> None:
    """Expect that a batch has examples of the shape that a network takes."""
    each = found[1:]
    fits = each == shape or (shape[-1] == 1 and (*each, 1) == shape)
    sizes = ", ".join(map(str, shape))
    require(
        len(found) >= 1 and fits,
        f"The argument {name} must have the shape (N, {sizes}), like the input of the "
        f"discriminator, but it has {shown(found)}.",
        name,
    )
