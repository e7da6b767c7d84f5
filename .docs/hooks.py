"""The pictures of the gallery as files of the site, so that they stand once."""

import pathlib

from mkdocs.structure.files import File

GALLERY = pathlib.Path(__file__).parents[1] / "faces"


def on_files(files, config):
    """Add the pictures, as gallery/NAME."""
    for path in [GALLERY / "faces.png", *sorted(GALLERY.glob("gallery/*.*"))]:
        if path.suffix in (".png", ".gif"):
            name = f"gallery/{path.name}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
