"""Fixtures for all tests: tiny networks, files, and real data if there are any."""

import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import tarfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Commands set this in their own processes; then all processes round equally.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each core has one process, so more threads would only wait for each other.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

import numpy as np  # noqa: E402 (the settings above must come first)
import pytest  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@contextlib.contextmanager
def refused(argument):
    """In this context, `InvalidInput` must be raised for an argument, in one line.

    Args:
        argument: str, the name that the error carries.
    """
    from gan.errors import InvalidInput

    with pytest.raises(InvalidInput) as error:
        yield
    assert error.value.argument == argument, str(error.value)
    assert "\n" not in str(error.value)


def slow_but_first(*values, single=False):
    """Values of a parameter, of which only the first is tried in the default run.

    Args:
        *values: as in `pytest.mark.parametrize`.
        single: bool, whether there is one parameter, whose values may be tuples.
    """

    def slow(value):
        marks, name = [pytest.mark.slow], None
        if hasattr(value, "marks"):
            value, marks, name = value.values, [*marks, *value.marks], value.id
        elif single or not isinstance(value, tuple):
            value = (value,)
        return pytest.param(*value, marks=marks, id=name)

    return [values[0], *map(slow, values[1:])]


def unpack(archive, folder):
    """Unpack an archive of files that an earlier version wrote."""
    # Python before 3.11.4 has no filters, later ones ask for one.
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as files:
        files.extractall(folder, **safe)


@pytest.fixture(autouse=True, scope="module")
def freeze():
    """Keep the garbage collector from searching the graphs of earlier tests again."""
    gc.freeze()


@pytest.fixture
def shared():
    """The path of a file of the shared data; without the file, the test is skipped."""

    def find(name):
        if not (DATA / name).is_file():
            pytest.skip(f"shared data file {name} is not on this machine")
        return DATA / name

    return find


@pytest.fixture
def vectors():
    """Factory of a model on a small cloud of 2-vectors."""
    import keras

    import gan

    def make(cls=gan.WGAN_GP, seed=0, rows=64, real=None, **options):
        keras.utils.set_random_seed(seed)
        if real is None:
            real = np.random.default_rng(0).normal(0.5, 0.1, (rows, 2))
            real = real.astype("float32")
        bounded = cls.targets in (None, (-1, 1))
        parts = gan.fully_connected_GenDiscr([2, 4, 2], real, bounded=bounded)
        options = {"batch_size": 8, "disc_iter": 1, **options}
        model = cls(*parts, real, **options)
        model.compile()
        return model

    return make


@pytest.fixture
def pictures():
    """Factory of a model on tiny 4×4 pictures, with batch norm and dropout."""
    import keras
    from keras import layers

    import gan

    def make(cls=gan.WGAN_GP, seed=0, real=None, **options):
        keras.utils.set_random_seed(seed)
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4),
                layers.Reshape((2, 2, 1)),
                layers.UpSampling2D(),
                layers.Conv2D(1, 3, padding="same"),
                layers.BatchNormalization(),
                layers.Activation("tanh"),
            ],
            name="generator",
        )
        end = "tanh" if cls.targets in (None, (-1, 1)) else None
        discriminator = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Conv2D(2, 3, padding="same"),
                layers.MaxPooling2D(),
                layers.Dropout(0.25),
                layers.Flatten(),
                layers.Dense(1, activation=end),
            ],
            name="discriminator",
        )
        if real is None:
            real = np.random.default_rng(0).random((32, 4, 4), "float32")
        model = cls(
            generator,
            discriminator,
            gan.latent.LatentGenerator(3),
            real,
            **{"batch_size": 8, "disc_iter": 1, **options},
        )
        model.compile()
        return model

    return make


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Folder of weights of untrained face networks, random pictures and bad files."""
    import keras

    import gan
    from gan.saving.weights_file import save_weights

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("files")
    generator, discriminator = gan.convolutional_GenDiscr()
    save_weights(generator, folder / "g.h5", (np.full((16, 16), 0.5),) * 2)
    save_weights(generator, folder / "plain.h5")
    save_weights(discriminator, folder / "d.h5")
    pictures = np.random.default_rng(0).integers(0, 256, (60, 16, 16), "uint8")
    np.save(folder / "pictures.npy", pictures)
    np.save(folder / "wide.npy", pictures[:, :, :8])
    np.save(folder / "few.npy", pictures[:10])
    np.save(folder / "objects.npy", np.array([{}, []], object), allow_pickle=True)
    (folder / "text.h5").write_text("not HDF5")
    (folder / "cut.h5").write_bytes((folder / "g.h5").read_bytes()[:5000])
    return folder


@pytest.fixture
def networks(files):
    """Options that make a command use the untrained networks of `files`."""
    names = ["--generator", files / "g.h5", "--discriminator", files / "d.h5"]
    return [str(name) for name in names]


@pytest.fixture
def python():
    """Run Python in a process of its own, with the checkout on its path."""

    def run(*arguments, **options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=900,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def layer_table():
    """Rows (type, output shape, parameters) of a network, inputs left out."""

    def table(network):
        rows = [
            (type(layer).__name__, layer.output.shape[1:], layer.count_params())
            for layer in network.layers
        ]
        return [row for row in rows if row[0] != "InputLayer"]

    return table


@pytest.fixture(scope="session")
def layer_settings():
    """What layer_table does not show: activations, slopes, rates, momenta, in order."""
    names = {
        "LeakyReLU": "negative_slope",
        "Dropout": "rate",
        "BatchNormalization": "momentum",
    }

    def settings(network):
        found = [
            getattr(layer, names.get(type(layer).__name__, "activation"), None)
            for layer in network.layers
        ]
        found = [getattr(value, "__name__", value) for value in found]
        return [value for value in found if value is not None]

    return settings


@pytest.fixture(scope="session")
def random_digits():
    """Factory of `Pictures` of random pixels, with ten classes in turn."""
    from gan.data.pictures import Pictures

    def make(count):
        pictures = np.random.default_rng(0).integers(
            0, 256, (count, 28, 28, 1), "uint8"
        )
        pictures[0, 0, :2, 0] = 0, 255
        labels = np.arange(count, dtype=np.int32) % 10
        return Pictures(pictures, labels, [str(digit) for digit in range(10)])

    return make


@pytest.fixture(scope="session")
def digits_file(random_digits, tmp_path_factory):
    """Path of an .npz file of 256 random digits, with the array names of Keras's."""
    digits, path = random_digits(256), tmp_path_factory.mktemp("data") / "mnist.npz"
    pictures, labels = digits.pictures[..., 0], digits.labels.astype(np.uint8)
    np.savez(path, x_train=pictures, y_train=labels)
    return path


@pytest.fixture(scope="session")
def three_stripes(tmp_path_factory):
    """Two functions: one writes pictures of classes, one names the classes of a run.

    Pictures are 8x12, and in each of three classes another stripe is bright. The model
    of the run draws the stripe of the class that is asked for.
    """
    import json

    import keras
    from keras import layers

    import gan

    folder = tmp_path_factory.mktemp("stripes")
    stripes = np.repeat(np.eye(3, dtype="float32"), 32, axis=1)
    latents, label = keras.Input((2,)), keras.Input((), dtype="int32")
    parts = [layers.Dense(96), layers.Embedding(3, 96)]
    x = layers.Add()([parts[0](latents), parts[1](label)])
    generator = keras.Model([latents, label], layers.Reshape((8, 12, 1))(x))
    parts[0].set_weights([np.full((2, 96), 0.02), np.full(96, 0.1)])
    parts[1].set_weights([0.7 * stripes])
    picture, label = keras.Input((8, 12, 1)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([layers.Flatten()(picture), layers.Embedding(3, 2)(label)])
    networks = generator, keras.Model([picture, label], layers.Dense(1)(x))
    model = gan.R3GAN(*networks, gan.latent.LatentGenerator(2), batch_size=20, seed=0)
    model.save(folder / "model.keras")

    def real(**counts):
        """Write so many pictures of each class, and return the path of the file."""
        rng, places = np.random.default_rng(0), {"ant": 0, "bee": 1, "cat": 2}
        names = np.repeat([*counts], [*counts.values()])
        shown = stripes[[places.get(name, 0) for name in names]]
        pictures = 0.7 * shown + 0.2 * rng.random(shown.shape)
        path = folder / f"{'-'.join(map(str, counts.items()))}.npz"
        np.savez(path, x=pictures.reshape(-1, 8, 12).astype("float32"), y=names)
        return path

    def noted(*names):
        """Note these names of the classes, or none; return the folder of the run."""
        (folder / "run.json").write_text(json.dumps({"names": names} if names else {}))
        return folder

    return real, noted


@pytest.fixture(scope="session")
def moves_both_networks():
    """Whether one step on two rows changes some weights of both networks."""

    def moves(model):
        model.batch_size = 2
        networks = model.generator, model.discriminator
        before = [network.get_weights() for network in networks]
        logs = model.fit(epochs=1, steps_per_epoch=1, verbose=0).history
        assert np.isfinite([*logs.values()]).all() and {*logs} == {*model.log_names}
        after = [network.get_weights() for network in networks]
        return all(
            any((old != new).any() for old, new in zip(*pair, strict=True))
            for pair in zip(before, after, strict=True)
        )

    return moves


@pytest.fixture(scope="session")
def train_faces():
    """Train faces on pictures in a folder, by a recipe."""

    def train(pictures, folder, recipe, seed=0, **options):
        from gan.recipes import faces
        from gan.recipes.run import Run

        until = options.pop("until_course", False)
        run = Run("faces", folder, seed=seed, **options)
        return faces.train_on(run, pictures, recipe, until)

    return train


@pytest.fixture
def run_of(tmp_path, monkeypatch):
    """Record how a recipe fits its model: epochs, steps and callbacks."""

    def run(recipe, model, data):
        from gan.recipes.run import Recipe, Run

        class Recorded(Run):
            def fit(self, model, epochs, steps, callbacks=(), every=1, settings=None):
                asked.update(epochs=epochs, steps=steps, every=every)
                asked["callbacks"] = callbacks
                for callback in callbacks:
                    callback.set_model(model)

            def path(self, name):
                return self.output / name

            def finish(self, model, *paths):
                return paths

        asked = {}
        monkeypatch.setattr(Recipe, "make_model", lambda *_: model)
        asked["paths"] = Recorded("lfw", tmp_path, data).train(recipe.RECIPE)
        return asked

    return run
