"""Weight files in the layout of Keras 2, see `gan.saving.weights_file`."""

from gan.saving.weights_file import load_weights, read_picture, save_weights

__all__ = ["load_weights", "read_picture", "save_weights"]
