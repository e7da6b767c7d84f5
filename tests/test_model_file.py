import json
import os
import pathlib
import random
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from test_base import CLASSES, assert_same, state

import gan
from gan.errors import InvalidInput
from gan.saving import model_file as saving

EPOCH = {"epochs": 1, "steps_per_epoch": 3, "verbose": 0}
ROWS = np.zeros((9, 2))


def step(*models):
    """Train without a graph, which would take seconds to trace."""
    for model in models:
        model.train_step()
        model.train_step()


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, change, **options):
    """Change a model file's members and, as an attacker would, their checksums."""
    content = members(path)
    change(content)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def rewrite_weights(path, change):
    """Change the arrays of a model file."""

    def inner(content):
        copy = path.with_suffix(".h5")
        copy.write_bytes(content["model.weights.h5"])
        with h5py.File(copy, "r+") as file:
            change(file)
        content["model.weights.h5"] = copy.read_bytes()
        copy.unlink()

    rewrite(path, inner)


def rewrite_config(path, change):
    def inner(content):
        config = json.loads(content["config.json"])
        change(config["config"])
        content["config.json"] = json.dumps(config).encode()

    rewrite(path, inner)


def unchanged(call, argument, *models):
    """Expect that a call is refused, and leaves the models as they were."""
    before = [state(model) for model in models]
    with refused(argument):
        call()
    for model, old in zip(models, before, strict=True):
        for a, b in zip(old, state(model), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture
def saved(vectors, tmp_path):
    """A trained model and its file."""
    model = vectors(ema=0.9)
    step(model)
    model.save(tmp_path / "g.keras")
    return model, tmp_path / "g.keras"


# -- what a file gives back -----------------------------------------------------


@pytest.mark.parametrize("cls", slow_but_first(*CLASSES))
def test_everything_comes_back(pictures, tmp_path, cls):
    own = {"clip": 0.3} if cls is gan.WGAN_clip else {}
    own = {"lambda_gp": 3, "penalty_epsilon": 1e-9} if cls is gan.WGAN_GP else own
    options = {
        **{"batch_size": 5, "disc_iter": 3, "learning_rate": 0.01, "beta_1": 0.4},
        **{"beta_2": 0.8, "ema": 0.7, "batch_statistics": False},
        **{"name": "mine", **own},
    }
    model = pictures(cls, **options)
    model.latent_generator = gan.latent.LatentGenerator(3, "uniform")
    model.compile(run_eagerly=True, steps_per_execution=4)
    model.fit(**EPOCH)
    model.save(tmp_path / "g.keras")
    assert_same(model, gan.load_model(tmp_path / "g.keras"))
    loaded = keras.models.load_model(tmp_path / "g.keras")
    assert type(loaded) is cls
    assert {name: getattr(loaded, name) for name in options} == options
    assert loaded.get_compile_config() == model.get_compile_config()
    assert loaded.run_eagerly
    assert loaded.latent_generator.get_config() == {"dim": 3, "latent_type": "uniform"}
    assert loaded.real_examples is None
    assert_same(model, loaded)
    randomness = zip(model.random_states(), loaded.random_states(), strict=True)
    assert all(np.array_equal(a, b) for a, b in randomness)
    # Dropout's state is among them, and every moment was compared.
    assert len(model.random_states()) > 1
    assert any(np.any(v) for v in loaded.generator.optimizer.variables[2:])
    np.testing.assert_array_equal(
        loaded.averaged_generator.get_weights()[0],
        model.averaged_generator.get_weights()[0],
    )
    with pytest.raises(InvalidInput, match="There are no real examples"):
        loaded.fit()
    for one in (model, loaded):
        one.fit(model.real_examples, **EPOCH)
    assert_same(model, loaded)


@pytest.mark.slow
def test_given_optimizers_come_back(vectors, tmp_path):
    schedule = gan.schedules.LinearDecay(0.1, 50, 0.2)
    model = vectors(
        generator_optimizer=keras.optimizers.Adam(schedule, amsgrad=True),
        discriminator_optimizer=keras.optimizers.SGD(0.02, momentum=0.9),
    )
    step(model)
    model.save(tmp_path / "g.keras")
    loaded = gan.load_model(tmp_path / "g.keras")
    optimizers = loaded.generator.optimizer, loaded.discriminator.optimizer
    assert list(map(type, optimizers)) == [keras.optimizers.Adam, keras.optimizers.SGD]
    assert optimizers[0].amsgrad and optimizers[1].momentum == 0.9
    assert optimizers[0]._learning_rate.get_config() == schedule.get_config()
    assert_same(model, loaded)
    loaded.real_examples = model.real_examples
    step(model, loaded)
    assert_same(model, loaded)


def test_a_learning_rate_set_by_hand_comes_back(vectors, tmp_path):
    model = vectors()
    model.generator.optimizer.learning_rate = 0.125
    model.save(tmp_path / "g.keras")
    assert gan.load_model(tmp_path / "g.keras").generator.optimizer.learning_rate == (
        0.125
    )


@pytest.mark.parametrize(
    "number", slow_but_first(np.float32, np.float64, np.int64, single=True)
)
def test_options_that_are_numpy_numbers(vectors, tmp_path, number):
    model = vectors(lambda_gp=number(3), batch_size=np.int64(8))
    model.save(tmp_path / "g.keras")
    assert gan.load_model(tmp_path / "g.keras").lambda_gp == 3


def test_a_class_of_the_user(vectors, tmp_path):
    class Hinge(gan.WGAN_clip):
        @staticmethod
        def discriminator_loss(real, fake):
            return tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))

        def __init__(self, *args, depth=1, **options):
            super().__init__(*args, **options)
            self.depth = depth

        def options(self):
            return {**super().options(), "depth": self.depth}

    model = vectors(Hinge, depth=4, clip=0.5)
    step(model)
    model.save(tmp_path / "g.keras")
    loaded = gan.load_model(tmp_path / "g.keras", custom_objects={"Hinge": Hinge})
    assert type(loaded) is Hinge and (loaded.depth, loaded.clip) == (4, 0.5)
    assert_same(model, loaded)
    with pytest.raises(InvalidInput) as caught:
        gan.load_model(tmp_path / "g.keras")
    assert caught.value.argument == "custom_objects"
    for word in ("'Hinge'", "register_keras_serializable", "custom_objects="):
        assert word in str(caught.value)


def test_a_layer_of_the_user(tmp_path):
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    generator, discriminator, latent = gan.fully_connected_GenDiscr([2, 2], ROWS)
    generator = keras.Sequential([keras.Input((2,)), generator, Twice()])
    model = gan.Simple_GAN(generator, discriminator, latent, seed=1)
    model.save(tmp_path / "g.keras")
    loaded = gan.load_model(tmp_path / "g.keras", custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(loaded.get_fake_sample(3), model.get_fake_sample(3))


# -- what could not be loaded is not saved --------------------------------------


def networks(*generator):
    """A generator with further layers, a discriminator and a sampler, tiny."""
    inner = [keras.Input((2,)), keras.layers.Dense(3), *generator]
    generator = keras.Sequential([*inner, keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    return generator, discriminator, gan.latent.LatentGenerator(2)


class Bare(keras.layers.Layer):
    """A layer whose constructor does not take what Keras passes."""

    def __init__(self, factor=2):
        super().__init__()
        self.factor = factor

    def call(self, x, training=False):
        return self.factor * x


class Around(keras.layers.Layer):
    """A layer that is made with an object, which its config does not contain."""

    def __init__(self, inner, **options):
        super().__init__(**options)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class Flags(keras.layers.Layer):
    def build(self, shape):
        self.add_weight(shape=shape[-1:], dtype="bool", initializer="zeros")

    def call(self, x):
        return x


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class Slow(keras.optimizers.SGD):
    def __init__(self, rate):
        super().__init__(rate)


class Latents:
    def __call__(self, nb_points):
        return gan.normal_generator(nb_points, 2)

    def get_config(self):
        return {}


class OtherArguments(gan.Simple_GAN):
    def __init__(self, width=2):
        super().__init__(*networks(), batch_size=width)


class OneMore(gan.Simple_GAN):
    def __init__(self, *args, more, **options):
        super().__init__(*args, **options)


def wrapped():
    inputs = keras.Input((2,))
    return keras.Model(inputs, Net()(inputs)), *networks()[1:]


def not_finite():
    model = gan.Simple_GAN(*networks())
    model.generator.weights[0].assign(np.full((2, 3), np.nan))
    return model


simple, dense = gan.Simple_GAN, keras.layers.Dense
LOST = {
    "other arguments": OtherArguments,
    "an argument more": lambda: OneMore(*networks(), more=1),
    "a bare layer": lambda: simple(*networks(Bare())),
    "a layer made of an object": lambda: simple(*networks(Around(dense(3)))),
    "a subclassed network": lambda: simple(*wrapped()),
    "a Lambda": lambda: simple(*networks(keras.layers.Lambda(lambda x: 2 * x))),
    "a lambda": lambda: simple(*networks(dense(3, activation=lambda x: 2 * x))),
    "numbers that are not finite": not_finite,
    "flags": lambda: simple(*networks(Flags())),
    "an optimizer": lambda: simple(*networks(), generator_optimizer=Slow(0.1)),
    "an augmentation": lambda: simple(*networks(), augment=Bare()),
    "a sampler": lambda: simple(*networks()[:2], Latents()),
}


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lam")
@pytest.mark.parametrize("name", slow_but_first(*LOST, single=True))
def test_what_could_not_be_loaded_is_not_saved(tmp_path, name):
    path = tmp_path / "g.keras"
    simple(*networks()).save(path)
    before = path.read_bytes()
    with pytest.raises(InvalidInput) as caught:
        LOST[name]().save(path)
    assert caught.value.argument == "model" and str(caught.value).endswith(".")
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_weights_that_could_not_be_loaded_are_not_saved(tmp_path):
    path = tmp_path / "g.weights.h5"
    for name in ("flags", "numbers that are not finite"):
        with pytest.raises(InvalidInput) as caught:
            LOST[name]().save_weights(path)
        assert caught.value.argument == "model" and not os.listdir(tmp_path)


def test_classes_and_functions_that_nobody_registered_are_named(tmp_path):
    def doubled(x):
        return 2 * x

    class Half(keras.layers.Layer):
        def call(self, x):
            return x / 2

    model = simple(*networks(dense(3, activation=doubled), Half()))
    model.save(tmp_path / "g.keras")
    with pytest.raises(InvalidInput) as caught:
        gan.load_model(tmp_path / "g.keras")
    assert caught.value.argument == "custom_objects"
    for word in ("'Half'", "'doubled'", "register_keras_serializable", "custom_obj"):
        assert word in str(caught.value)
    known = {"Half": Half, "doubled": doubled}
    assert_same(model, gan.load_model(tmp_path / "g.keras", custom_objects=known))


def test_a_save_leaves_names_and_random_numbers_as_they_were(tmp_path):
    keras.utils.set_random_seed(3)
    model = simple(*networks())
    number = int(keras.layers.Dense(1).name.split("_")[-1])
    before = random.getstate(), np.random.get_state()[1].tolist()
    model.save(tmp_path / "g.keras")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_a_save_makes_no_optimizers(tmp_path, monkeypatch):
    """TensorFlow never frees 70 KB of each optimizer: 28 MB in 200 epochs."""
    model, made = simple(*networks()), []
    model.save(tmp_path / "g.keras")
    base = keras.optimizers.Optimizer
    usual = base.__init__

    def count(self, *args, **options):
        made.append(self)
        usual(self, *args, **options)

    monkeypatch.setattr(base, "__init__", count)
    model.save(tmp_path / "g.keras")
    model.save_weights(tmp_path / "g.weights.h5")
    assert not made


@pytest.mark.slow
def test_notes_that_are_too_long_to_be_read_are_not_written(saved):
    model, path = saved
    before = path.read_bytes()
    with pytest.raises(InvalidInput) as caught:
        saving.save_model(model, path, {"text": "x" * saving.MOST_NOTES})
    assert caught.value.argument == "notes" and path.read_bytes() == before


@pytest.mark.slow
def test_models_of_more_than_a_gibibyte(tmp_path):
    zeros = {"kernel_initializer": "zeros"}
    layers = [keras.layers.Dense(17_000, **zeros) for _ in range(2)]
    sgd = [keras.optimizers.SGD(), keras.optimizers.SGD()]
    options = {"generator_optimizer": sgd[0], "discriminator_optimizer": sgd[1]}
    model = simple(*networks(*layers), **options)
    model.generator.weights[-1].assign([1.0, 2.0])
    model.save(tmp_path / "g.keras")
    assert (tmp_path / "g.keras").stat().st_size > 2**30
    loaded = gan.load_model(tmp_path / "g.keras")
    np.testing.assert_array_equal(loaded.generator.weights[-1], [1.0, 2.0])
    with pytest.raises(InvalidInput) as caught:
        gan.weights.save_weights(model.generator, tmp_path / "g.h5")
    assert caught.value.argument == "network" and not (tmp_path / "g.h5").exists()


# -- a latent generator that cannot be stored -----------------------------------


@pytest.mark.slow
def test_a_lambda_is_said_once_and_asked_for_when_needed(vectors, tmp_path):
    model = vectors(gan.Simple_GAN)
    model.latent_generator = lambda k: gan.normal_generator(k, 2)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", "The latent generator")
        model.save(tmp_path / "g.keras")
    assert [str(warning.message) for warning in said] == [
        "The latent generator cannot be stored; set model.latent_generator after "
        "loading. gan.latent.LatentGenerator can be stored."
    ]
    loaded = gan.load_model(tmp_path / "g.keras")
    assert_same(model, loaded)
    for use in (loaded.get_fake_sample, lambda: loaded.fit(model.real_examples)):
        unchanged(use, "latent_generator", loaded)
    loaded.latent_generator = model.latent_generator
    loaded.real_examples = model.real_examples
    step(model, loaded)
    assert_same(model, loaded)


# -- nothing in a file is executed ----------------------------------------------


def test_a_lambda_layer_is_refused(tmp_path):
    generator, discriminator, latent = gan.fully_connected_GenDiscr([2, 2], ROWS)
    code = keras.layers.Lambda(lambda x: 2 * x)
    generator = keras.Sequential([keras.Input((2,)), generator, code])
    model = gan.Simple_GAN(generator, discriminator, latent)
    keras.saving.save_model(model, tmp_path / "g.keras")
    with zipfile.ZipFile(tmp_path / "g.keras", "a") as archive:
        archive.writestr("gan.json", '{"notes": {}}')
    unchanged(lambda: gan.load_model(tmp_path / "g.keras"), "path")
    with pytest.raises(ValueError, match="safe_mode|unsafe|[Ll]ambda"):
        keras.models.load_model(tmp_path / "g.keras")


@pytest.mark.parametrize(
    "part", slow_but_first("generator", "latent_generator", "name", single=True)
)
def test_a_config_that_names_a_function(saved, part, tmp_path):
    def change(config):
        config[part] = {
            "module": "os",
            "class_name": "mkdir",
            "config": {"path": str(tmp_path / "made")},
            "registered_name": None,
        }

    rewrite_config(saved[1], change)
    unchanged(lambda: gan.load_model(saved[1]), "path")
    assert not (tmp_path / "made").exists()


def test_a_file_of_another_kind_of_model(saved, tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(
        tmp_path / "other.keras"
    )
    rewrite(saved[1], lambda content: content.update(members(tmp_path / "other.keras")))
    unchanged(lambda: gan.load_model(saved[1]), "path")


# -- paths ----------------------------------------------------------------------


@pytest.mark.parametrize("use", slow_but_first(str, pathlib.Path, single=True))
def test_paths_of_both_kinds(vectors, tmp_path, use):
    model = vectors(gan.Simple_GAN)
    model.save(use(tmp_path / "g.keras"))
    model.save_weights(use(tmp_path / "g.weights.h5"))
    assert_same(model, gan.load_model(use(tmp_path / "g.keras")))
    twin = vectors(gan.Simple_GAN, seed=3)
    twin.load_weights(use(tmp_path / "g.weights.h5"))
    assert_same(model, twin)
    assert sorted(os.listdir(tmp_path)) == ["g.keras", "g.weights.h5"]


@pytest.mark.parametrize(
    "name, argument",
    slow_but_first(
        ("g.h5", "filepath"),
        ("g", "filepath"),
        (".keras", "path"),
        ("none/g.keras", "path"),
        ("folder.keras", "path"),
        (3, "filepath"),
        (None, "filepath"),
    ),
)
def test_paths_it_does_not_write_to(vectors, tmp_path, name, argument):
    (tmp_path / "folder.keras").mkdir()
    path = tmp_path / name if isinstance(name, str) else name
    model = vectors(gan.Simple_GAN)
    unchanged(lambda: model.save(path), argument, model)
    assert os.listdir(tmp_path) == ["folder.keras"]


@pytest.mark.parametrize("name", ["g.h5", "g.keras", "weights.h5", 3])
def test_paths_it_does_not_write_weights_to(vectors, tmp_path, name):
    path = tmp_path / name if isinstance(name, str) else name
    model = vectors(gan.Simple_GAN)
    unchanged(lambda: model.save_weights(path), "filepath")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["g.h5", "none.keras", "folder.keras", b"g.keras", None]
)
def test_paths_it_does_not_read(vectors, tmp_path, name):
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "g.h5").write_bytes(b"")
    path = tmp_path / name if isinstance(name, str) else name
    model = vectors(gan.Simple_GAN)
    unchanged(lambda: gan.load_model(path), "path")
    unchanged(lambda: saving.read_notes(path), "path")
    unchanged(lambda: saving.restore_model(model, path), "path", model)


@pytest.mark.slow
def test_overwrite(vectors, tmp_path):
    model = vectors(gan.Simple_GAN)
    for save, name in (
        (model.save, "g.keras"),
        (model.save_weights, "g.weights.h5"),
    ):
        path = tmp_path / name
        save(path, overwrite=False)
        old = path.read_bytes()
        unchanged(lambda s=save, p=path: s(p, overwrite=False), "filepath")
        assert path.read_bytes() == old
        step(model)
        save(path)
        assert path.read_bytes() != old
        twin = vectors(gan.Simple_GAN, seed=1)
        if save == model.save:
            saving.restore_model(twin, path)
        else:
            twin.load_weights(path)
        assert_same(model, twin)


def test_options_of_keras_that_save_does_not_have(vectors, tmp_path):
    model = vectors(gan.Simple_GAN)
    call = lambda: model.save(tmp_path / "g.keras", include_optimizer=False)  # noqa: E731
    unchanged(call, "include_optimizer")
    assert os.listdir(tmp_path) == []


# -- whole or not at all --------------------------------------------------------


@pytest.mark.parametrize(
    "error", slow_but_first(RuntimeError, KeyboardInterrupt, OSError, single=True)
)
@pytest.mark.parametrize(
    "place", slow_but_first("get_config", "save_own_variables", single=True)
)
def test_a_failed_save_leaves_the_old_file(saved, monkeypatch, error, place):
    model, path = saved
    old = path.read_bytes()
    step(model)

    def broken(*_):
        raise error("broken")

    monkeypatch.setattr(type(model), place, broken)
    with pytest.raises(error, match="broken"):
        model.save(path)
    if place == "save_own_variables":
        with pytest.raises(error, match="broken"):
            model.save_weights(path.with_name("new.weights.h5"))
    assert path.read_bytes() == old and os.listdir(path.parent) == [path.name]
    monkeypatch.undo()
    model.save(path)
    assert_same(model, gan.load_model(path))


def test_notes_that_json_cannot_hold(saved):
    model, path = saved
    old = path.read_bytes()
    with pytest.raises(TypeError):
        saving.save_model(model, path, {"x": object()})
    assert path.read_bytes() == old and os.listdir(path.parent) == [path.name]


@pytest.mark.slow
def test_notes_come_back(saved):
    model, path = saved
    assert saving.read_notes(path) == {}
    notes = {"position": [1, 2.5e-17], "text": "é", "none": None}
    saving.save_model(model, path, notes)
    assert saving.read_notes(path) == notes
    assert saving.restore_model(model, path) == notes
    # Keras can read the file, though it does not know the member gan.json.
    assert_same(model, keras.models.load_model(path))


# -- damage ---------------------------------------------------------------------


def add(name, data=b"x"):
    return lambda content: content.update({name: data})


@pytest.mark.parametrize(
    "change, options, reason",
    slow_but_first(
        (add("config.json", b"{}"), {}, "config"),
        (add("model.weights.h5"), {}, "signature|truncated"),
        (add("config.json", b" " * (2**24 + 1)), {}, "too large"),
        (add("more.txt"), {}, "model.save"),
        (add("../out.txt"), {}, "model.save"),
        (add("assets/x.txt"), {}, "model.save"),
        (lambda c: c.pop("metadata.json"), {}, "model.save"),
        (lambda c: None, {"compression": zipfile.ZIP_DEFLATED}, "compressed"),
        (lambda c: None, {"compression": zipfile.ZIP_LZMA}, "compressed"),
        (add("config.json", b"{"), {}, "property name"),
        (add("config.json", b"[]"), {}, "list indices"),
        (add("config.json", b"\xff"), {}, "decode"),
        (add("model.weights.h5", b""), {}, "signature|truncated"),
    ),
)
def test_changed_members(saved, vectors, change, options, reason):
    _, path = saved
    rewrite(path, change, **options)
    with pytest.raises(InvalidInput, match=f"cannot be used: .*{reason}"):
        gan.load_model(path)
    other = vectors(seed=4, ema=0.9)
    unchanged(lambda: saving.restore_model(other, path), "path", other)


def test_a_member_twice(saved):
    _, path = saved
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("gan.json", archive.read("gan.json"))
    unchanged(lambda: gan.load_model(path), "path")


@pytest.mark.parametrize(
    "content", slow_but_first(b"", b"{}", b"[]", b'{"notes": []}', single=True)
)
def test_a_changed_gan_json(saved, content):
    _, path = saved
    rewrite(path, add("gan.json", content))
    unchanged(lambda: saving.read_notes(path), "path")


@pytest.mark.parametrize(
    "member", slow_but_first("config.json", "model.weights.h5", "gan.json", single=True)
)
def test_a_flipped_bit_is_found(saved, vectors, member):
    _, path = saved
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(member).file_size
        start = archive.getinfo(member).header_offset + 30 + len(member)
    data = bytearray(path.read_bytes())
    data[start + size // 2] ^= 4
    path.write_bytes(data)
    other = vectors(seed=4, ema=0.9)
    unchanged(lambda: gan.load_model(path), "path")
    unchanged(lambda: saving.restore_model(other, path), "path", other)


def test_a_plain_keras_file_is_refused(vectors, tmp_path):
    model = vectors(gan.Simple_GAN)
    keras.saving.save_model(model, tmp_path / "g.keras")
    unchanged(
        lambda: gan.load_model(tmp_path / "g.keras"),
        "path",
    )
    assert_same(model, keras.models.load_model(tmp_path / "g.keras"))


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 1000])
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "g.keras").write_bytes(content)
    unchanged(lambda: gan.load_model(tmp_path / "g.keras"), "path")


# -- correct checksums over wrong arrays ----------------------------------------


def arrays(file):
    """The full names of the arrays in a model file."""
    names = []
    file.visititems(
        lambda name, item: names.append(name) if hasattr(item, "dtype") else None
    )
    return names


def put(part, value=None):
    """Replace the last array whose name has `part`, or delete it."""

    def change(file):
        found = [name for name in arrays(file) if part in name]
        old = file[found[-1]][()]
        del file[found[-1]]
        if value is not None:
            file[found[-1]] = value(old)

    return change


WRONG = [
    put("generator/layers"),
    put("averaged_generator"),
    put("discriminator/optimizer"),
    put("generator/optimizer/vars"),
    put("vars/random_state_0"),
    put("discriminator/layers", lambda a: a * np.nan),
    put("generator/optimizer", lambda a: np.full_like(a, np.inf)),
    put("averaged_generator", lambda a: a * np.inf),
    put("discriminator/layers", lambda a: np.zeros((*a.shape, 2), a.dtype)),
    put("discriminator/optimizer", lambda a: np.zeros((*a.shape, 2), a.dtype)),
    put("random_state_0", lambda a: a[:1]),
    put("discriminator/layers", lambda a: np.full(a.shape, b"text")),
]


@pytest.mark.parametrize("number", slow_but_first(*range(len(WRONG)), single=True))
def test_wrong_arrays_are_refused_and_change_nothing(saved, vectors, number):
    model, path = saved
    rewrite_weights(path, WRONG[number])
    other = vectors(seed=4, ema=0.9)
    unchanged(lambda: saving.restore_model(other, path), "path", other)
    unchanged(lambda: gan.load_model(path), "path")


@pytest.mark.slow
def test_a_failed_load_restores_randomness_and_averages(pictures, tmp_path):
    """Variables that were loaded are restored if a later one is refused."""
    model, other = pictures(ema=0.9), pictures(seed=7, ema=0.9)
    step(model)
    model.save_weights(tmp_path / "g.weights.h5")
    step(other)
    with h5py.File(tmp_path / "g.weights.h5", "r+") as file:
        put("generator/layers", lambda a: a * np.nan)(file)
    before = [np.array(v) for v in saving.state_of(other)]
    with refused("filepath"):
        other.load_weights(tmp_path / "g.weights.h5")
    after = [np.array(v) for v in saving.state_of(other)]
    assert len(before) > 20 and all(map(np.array_equal, before, after))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_load_state_undoes_whatever_happens(vectors, error):
    model = vectors(gan.Simple_GAN)
    before = [np.array(v) for v in saving.state_of(model)]

    def load():
        for variable in saving.state_of(model):
            variable.assign(np.ones(variable.shape, variable.dtype))
        raise error("broken")

    with pytest.raises(error, match="broken"):
        saving.load_state(model, load)
    assert all(map(np.array_equal, before, map(np.array, saving.state_of(model))))


# -- weights of a freshly made model --------------------------------------------


@pytest.mark.parametrize("ema", slow_but_first(None, 0.9, single=True))
@pytest.mark.parametrize("shape", slow_but_first("vectors", "pictures"))
def test_weights_carry_everything_into_a_fresh_model(request, tmp_path, shape, ema):
    make = request.getfixturevalue(shape)
    model, fresh = make(ema=ema), make(seed=9, ema=ema)
    step(model)
    model.save_weights(tmp_path / "g.weights.h5")
    fresh.load_weights(tmp_path / "g.weights.h5")
    assert_same(model, fresh)
    step(model, fresh)
    assert_same(model, fresh)


SGD = keras.optimizers.SGD


@pytest.mark.parametrize("side", slow_but_first("generator", "discriminator"))
@pytest.mark.parametrize(
    "saved_with, loaded_with",
    slow_but_first(
        (lambda: None, lambda: SGD(0.1)),
        (lambda: SGD(0.1), lambda: None),
        (lambda: SGD(0.1), lambda: SGD(0.1, momentum=0.9)),
    ),
    ids=["Adam SGD", "SGD Adam", "momentum"],
)
def test_another_optimizer_is_refused(vectors, tmp_path, side, saved_with, loaded_with):
    """Keras would warn and go on with moments of zero."""
    model = vectors(gan.Simple_GAN, **{f"{side}_optimizer": saved_with()})
    model.save_weights(tmp_path / "g.weights.h5")
    model.save(tmp_path / "g.keras")
    other = vectors(gan.Simple_GAN, 1, **{f"{side}_optimizer": loaded_with()})
    unchanged(lambda: other.load_weights(tmp_path / "g.weights.h5"), "filepath", other)
    unchanged(lambda: saving.restore_model(other, tmp_path / "g.keras"), "path", other)


def test_another_network_or_class_of_weights_is_refused(vectors, pictures, tmp_path):
    model = vectors()
    model.save_weights(tmp_path / "g.weights.h5")
    for other in (pictures(), vectors(ema=0.9)):
        unchanged(
            lambda o=other: o.load_weights(tmp_path / "g.weights.h5"), "filepath", other
        )


def test_a_checkpoint_of_another_class_is_refused(vectors, tmp_path):
    vectors(gan.WGAN_clip).save(tmp_path / "g.keras")
    other = vectors(gan.Simple_GAN, seed=1)
    unchanged(lambda: saving.restore_model(other, tmp_path / "g.keras"), "path", other)


@pytest.mark.parametrize("content", [b"", b"x" * 99])
def test_damaged_weights(vectors, tmp_path, content):
    (tmp_path / "g.weights.h5").write_bytes(content)
    model = vectors(gan.Simple_GAN)
    unchanged(lambda: model.load_weights(tmp_path / "g.weights.h5"), "filepath", model)
    unchanged(
        lambda: model.load_weights(tmp_path / "none.weights.h5"), "filepath", model
    )


@pytest.mark.parametrize(
    "part", slow_but_first("generator", "discriminator", single=True)
)
def test_networks_larger_than_their_file_are_never_built(saved, part):
    """With right checksums a config could ask for terabytes of weights."""

    def grow(config):
        for layer in config[part]["config"]["layers"]:
            layer.pop("build_config", None)
            if layer["class_name"] == "Dense":
                layer["config"]["units"] = 10**6

    rewrite_config(saved[1], grow)
    with pytest.raises(InvalidInput, match=f"lacks weights of the {part}"):
        gan.load_model(saved[1])

    class Own(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    # Keras would create variables that still wait when it next builds a layer.
    keras.Sequential([keras.Input((2,)), Own()])
