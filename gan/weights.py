"""Reads and writes weight files in the layout of Keras 2."""

from gan.saving.weights_file import load_weights, read_picture, save_weights

__all__ = ["load_weights", "read_picture", "save_weights"]
