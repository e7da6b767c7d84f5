"""The devices on which TensorFlow computes."""

from __future__ import annotations


def only_cpu() -> bool:
    """Whether TensorFlow computes only on CPUs.

    Optimisations for CPUs are used only if this is true. Calling it does not start
    TensorFlow's runtime, so that threads can still be set.
    """
    import tensorflow as tf

    return all(one.device_type == "CPU" for one in tf.config.get_visible_devices())
