"""What the commands share: checks before the work, drawing, words at the end."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gan.errors import StrPath, expect, expect_path, expect_seed
from gan.saving.files import expect_writable
from gan.training.quiet import quiet

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"

OURS = str(WEIGHTS / "generator.h5")


def expect_drawing(seed: int, output: str) -> None:
    """Expect a seed, and a path that a picture can be written to, before any work."""
    expect_seed(2**32, seed=seed)
    path = expect_path(output=output)
    known = path.suffix.lower() in ("", ".png", ".pdf", ".svg")
    expect(known, "an output that ends in .png, .pdf or .svg", output=output)
    expect_writable(path)


def named_outputs(output: str, *names: str) -> list[pathlib.Path]:
    """Writable paths beside `output`, each with a name added to its stem."""
    path = pathlib.Path(output)
    paths = [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in names]
    return [expect_writable(path) for path in paths]


def import_tensorflow(side_by_side: bool = False) -> None:
    """Import TensorFlow with fast convolutions and without its start-up chatter.

    Args:
        side_by_side: bool, let two operations run at once with half of the processor's
            cores each, which a step of small networks is done sooner with, instead of
            one after the other with all. Nothing where TensorFlow runs already.
    """
    if "tensorflow" not in sys.modules and platform.machine() in ("x86_64", "AMD64"):
        # TensorFlow leaves its fast convolutions off on processors without AVX-512.
        # Only here: in scripts the order of imports would decide how sums are rounded.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet():
        try:
            import tensorflow as tf

            if side_by_side:
                cores = os.cpu_count() or 1
                with contextlib.suppress(RuntimeError):
                    threading = tf.config.threading
                    threading.set_inter_op_parallelism_threads(min(2, cores))
                    threading.set_intra_op_parallelism_threads(max(1, cores // 2))
        except Exception as error:
            expected = "Keras on TensorFlow, installed, with KERAS_BACKEND=tensorflow "
            expected += f"and an MPLBACKEND that there is ({error})"
            expect(False, expected, error=type(error).__name__)


class Generator:
    """The generator of any trained thing, seeded: what draws its pictures.

    Attributes:
        network: `keras.Model`, the averaged generator where there is one.
        classes: int, or `None` where it takes no labels.
        shape: tuple, of what it draws.
        discriminator: `keras.Model` that was trained with it, `None` for an `.h5`.
        picture: pair of arrays `(mean, multiplier)` that makes pictures of outputs, or
            `None` where they are pictures.
        label: int, the class that is drawn, or `None` for all by turns.
    """

    network: Any
    discriminator: Any
    sampler: Any
    picture: tuple[Any, Any] | None
    shape: tuple[int, ...]
    classes: int | None
    label: int | None

    def __init__(
        self,
        path: str,
        seed: int,
        *others: tuple[Any, Any],
        label: int | None = None,
    ) -> None:
        """Load it.

        Args:
            path: str, a `.keras` file, the folder of a run, or a generator's `.h5`.
            seed: int.
            *others: pairs of network and `.h5` file that are loaded with the latter.
            label: int, the class that is drawn; `None` draws them by turns.
        """
        import_tensorflow()
        import keras

        from gan.training.player import count_classes

        path = _generator_of(path)
        if path.suffix == ".keras":
            self._read_model(path)
        else:
            self._read_weights(path, *others)
        self.shape = self.network.output_shape[1:]
        self.classes = count_classes(self.network)
        if label is not None:
            expect(self.classes, f"no class: {path} was trained without", label=label)
            inside = 0 <= label < self.classes
            expect(inside, f"class from 0 to {self.classes - 1}", label=label)
        self.label = label
        keras.utils.set_random_seed(seed)

    def _read_model(self, path):
        import numpy as np

        from gan.saving import load_model
        from gan.training.player import range_of

        model = load_model(path)
        self.network = model.averaged_generator or model.generator
        self.sampler = model.latent_generator
        expected = f"a latent generator in {path}, which only those of gan.latent are"
        expect(self.sampler is not None, expected, latent_generator=None)
        self.discriminator = model.discriminator
        # What ends in tanh was trained on pictures in [-1, 1].
        low = range_of(self.network)[0]
        self.picture = (np.array(0.5), np.array(0.5)) if low == -1 else None

    def _read_weights(self, path, *others):
        from gan.generate_faces import convolutional_GenDiscr
        from gan.latent import LatentGenerator
        from gan.saving.weights_file import load_weights, read_picture

        self.network, _ = convolutional_GenDiscr()
        load_weights((self.network, path), *others)
        picture, self.sampler = read_picture(path), LatentGenerator(16)
        shape = (16, 16) if picture is None else picture[0].shape
        expected = f"a mean face of shape (16, 16) in {path}"
        expect(shape == (16, 16), expected, shape=shape)
        self.discriminator = None
        self.picture = picture and tuple(array[..., None] for array in picture)

    def latents(self, count: int, spread: float = 1.0) -> np.ndarray:
        """Latents `(count, dim)` of the model's own sampler, times `spread`."""
        kind = getattr(self.sampler, "latent_type", None)
        around = spread == 1 or kind in ("normal", "symmetric")
        expect(around, "truncation of latents around 0 only", latents=kind)
        return self.sampler(count).numpy() * spread

    def fakes(self, latents: np.ndarray) -> np.ndarray:
        """The network's outputs `(n, …)`."""
        if not self.classes:
            return in_parts(self.network, latents)
        return in_parts(self.network, latents, self.labels(len(latents)))

    def labels(self, count: int) -> np.ndarray:
        """Int32 `(count,)`: the class that was asked for, or all by turns."""
        import numpy as np

        if self.label is not None:
            return np.full(count, self.label, np.int32)
        return np.arange(count, dtype=np.int32) % self.classes

    def draw(self, latents: np.ndarray) -> np.ndarray:
        """Pictures `(n, h, w)` or `(n, h, w, 3)` of latents."""
        expected = "a model of pictures; generate --output FILE.npy takes others"
        pictures = len(self.shape) == 3 and self.shape[2] in (1, 3)
        expect(pictures, expected, shape=self.shape)
        drawn = self.pictures(self.fakes(latents))
        return drawn[..., 0] if drawn.shape[3:] == (1,) else drawn

    def pictures(self, fakes: np.ndarray) -> np.ndarray:
        """Pictures in [0, 1], of the shape of the outputs that they are made of."""
        if self.picture is None:
            return fakes
        mean, multiplier = self.picture
        return fakes * multiplier + mean


def read_real(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """Real pictures, brought to the shape that a generator draws.

    Args:
        path: str, of what `gan.data.pictures.read_pictures` takes.
        shape: tuple `(h, w, 1)` or `(h, w, 3)`.

    Returns:
        Float32 array `(N, h, w)` or `(N, h, w, 3)` in [0, 1], at least 200 of them.
    """
    import numpy as np

    from gan.data.faces import load_faces
    from gan.data.pictures import progress, read_pictures, tell_skipped

    pictures = len(shape) == 3 and shape[2] in (1, 3)
    expect(pictures, "a model of pictures", shape=shape)
    if shape == (16, 16, 1) and path.endswith(".npy"):
        real = load_faces(path).pictures
    else:
        found, skipped = read_pictures(path, shape[:2], shape[2] == 3, watch=progress)
        tell_skipped(skipped)
        real = np.divide(found, 255, dtype=np.float32)
    expect(len(real) >= 200, "at least 200 pictures", N=len(real))
    return real


def notes_of(path: StrPath) -> dict[str, Any]:
    """What the run noted that a file or folder belongs to; empty without one."""
    path = pathlib.Path(path)
    folder = path if path.is_dir() else path.parent
    folder = folder.parent if folder.name == "checkpoints" else folder
    try:
        notes = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def names_of(path: StrPath, classes: int) -> list[str] | None:
    """Names of a model's classes that its run noted, or `None`.

    Args:
        path: str or `os.PathLike`, the model's file or the folder of its run.
        classes: int, how many the model knows.
    """
    names = notes_of(path).get("names")
    fits = isinstance(names, list) and len(names) == classes
    return [str(name) for name in names] if fits else None


def _generator_of(path):
    """The file of a generator: itself, or the one in the folder of a run."""
    path = expect_path(generator=path)
    expected = f"a file of weights at {path}, a .keras file or the folder of a run"
    expect(path.exists(), expected, generator=str(path))
    if path.is_dir():
        files = [path / name for name in ("generator.h5", "model.keras")]
        found = [file for file in files if file.is_file()]
        expected = "the folder of a run that has ended (generator.h5 or model.keras)"
        expect(found, expected, generator=str(path))
        path = found[0]
    return path


def in_parts(network: Any, *arrays: np.ndarray, size: int = 1000) -> np.ndarray:
    """What a network makes of arrays, a thousand examples at a time.

    The widest layer of the faces' generator takes 8 KiB a face: parts bound the memory.
    """
    import numpy as np

    starts = range(0, len(arrays[0]), size)
    parts = [[array[start : start + size] for array in arrays] for start in starts]
    one = len(arrays) == 1
    return np.concatenate([network(part[0] if one else part) for part in parts])


def finish(figure: Figure, output: str, show: bool) -> None:
    """Save the picture, print its path, show it if asked to."""
    from gan.visualization import plots

    print(plots.save(figure, output))
    if show:
        plots.show(figure)


def verbose() -> int:
    """Keras's `verbose`: its bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2


@contextlib.contextmanager
def stoppable(directory: pathlib.Path) -> Iterator[None]:
    """Say after Ctrl-C whether a training in a folder goes on from where it stopped."""
    before = _checkpoints(directory)
    try:
        yield
    except KeyboardInterrupt:
        # An older one may be of the run that a restart was to forget.
        if _checkpoints(directory) - before:
            print("\nStopped and saved. The same command, without --restart, goes on.")
        else:
            print("\nStopped before anything new was saved.")
        raise


def _checkpoints(directory):
    """The checkpoints of a run or of its parts, and when they were written."""
    names = ("checkpoints/epoch-*.keras", "*/checkpoints/epoch-*.keras")
    paths = [path for name in names for path in directory.glob(name)]
    return {(path, path.stat().st_mtime_ns) for path in paths}
