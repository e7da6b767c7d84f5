"""Files that appear whole or not at all, and are checked before they are believed."""

from gan.saving.archive import read_notes
from gan.saving.model_file import load_model, restore_model, save_model

__all__ = ["load_model", "read_notes", "restore_model", "save_model"]
