"""The gallery's pictures and the notebooks as files of the site, so they stand once."""

import pathlib

from mkdocs.structure.files import File

NOTEBOOKS = pathlib.Path(__file__).parent / "notebooks"
GALLERY = pathlib.Path(__file__).parents[1] / "faces"


def on_files(files, config):
    """Add the pictures, as gallery/NAME, and the notebooks, as notebooks/NAME."""
    for path in [GALLERY / "faces.png", *sorted(GALLERY.glob("gallery/*.*"))]:
        if path.suffix in (".png", ".gif"):
            name = f"gallery/{path.name}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        name = f"notebooks/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
