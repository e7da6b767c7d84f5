"""Saving and loading: files are written completely or not at all, and checked."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan.saving.archive import read_notes
    from gan.saving.model_file import load_model, restore_model, save_model

__all__ = ["load_model", "read_notes", "restore_model", "save_model"]


def __getattr__(name: str) -> Any:
    # Imports are lazy, so that reading weights does not wait for Keras.
    if name not in __all__:
        raise AttributeError(f"module 'gan.saving' has no attribute {name!r}")
    from gan.saving import model_file

    return getattr(model_file, name)
