"""Where TensorFlow computes."""

from __future__ import annotations


def only_cpu() -> bool:
    """Whether TensorFlow computes on processors alone, without a GPU or the like.

    What is quicker on a processor only is left off where this is false. TensorFlow does
    not start running by being asked, so that its threads can still be set.
    """
    import tensorflow as tf

    return all(one.device_type == "CPU" for one in tf.config.get_visible_devices())
