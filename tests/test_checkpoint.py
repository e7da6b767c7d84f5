import json
import os
import signal
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from test_base import assert_same, state

import gan
from gan.errors import InvalidInput
from gan.saving.model_file import state_of
from gan.training.checkpoint import Checkpoint, load_newest
from gan.training.fit import Diverged

REAL = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")


def fit(model, epochs, *callbacks, steps=5):
    return model.fit(
        epochs=epochs, steps_per_epoch=steps, verbose=0, callbacks=list(callbacks)
    )


class Stop(keras.callbacks.Callback):
    """Raise an error after some batches, as a crash would."""

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("crash")


class Poison(keras.callbacks.Callback):
    """Put a NaN into the generator once (or `times` times) before an epoch."""

    def __init__(self, epoch, times=1):
        super().__init__()
        self.epoch, self.times = epoch, times

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch and self.times > 0:
            self.times -= 1
            weight = self.model.generator.weights[0]
            weight.assign(np.full(weight.shape, np.nan))


def names(directory):
    return sorted(path.name for path in directory.iterdir() if path.name != ".lock")


# -- Checkpoint -----------------------------------------------------------------


def test_a_crashed_run_goes_on_and_ends_as_the_uninterrupted_one(
    vectors, tmp_path, capsys
):
    whole = vectors(ema=0.9)
    history = fit(whole, 4).history
    crashed = vectors(ema=0.9)
    crashed.compile(steps_per_execution=2)
    with pytest.raises(RuntimeError, match="crash"):
        fit(crashed, 4, Checkpoint(tmp_path), Stop(8))
    resumed = vectors(seed=99, ema=0.9)
    checkpoint = Checkpoint(tmp_path)
    seen = fit(resumed, 4, checkpoint)
    assert_same(whole, resumed)
    assert seen.epoch == [2, 3] and checkpoint.history == history
    assert f"Going on from {tmp_path / 'epoch-000002'}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_finished_run_stays_finished(vectors, tmp_path):
    model, again = vectors(), vectors(seed=5)
    fit(model, 2, Checkpoint(tmp_path))
    fit(again, 2, Checkpoint(tmp_path))
    assert_same(model, again)


@pytest.mark.slow
def test_it_keeps_the_last_and_keras_the_best(vectors, tmp_path):
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="gp", mode="min", save_best_only=True
    )
    history = fit(vectors(), 6, Checkpoint(tmp_path, keep=3), best).history["gp"]
    kept = [f"epoch-{n:06d}.keras" for n in (4, 5, 6)]
    assert names(tmp_path) == ["best.keras", *kept]
    updates = gan.load_model(tmp_path / "best.keras").generator.optimizer.iterations
    assert updates == 5 * (int(np.argmin(history)) + 1)


@pytest.mark.slow
def test_epochs_of_seven_digits_come_last(vectors, tmp_path):
    model = vectors()
    model.fit(epochs=10**6 - 1, initial_epoch=10**6 - 2, steps_per_epoch=1, verbose=0)
    options = {"steps_per_epoch": 1, "verbose": 0}
    options |= {"callbacks": [Checkpoint(tmp_path)]}
    model.fit(epochs=10**6 + 2, initial_epoch=10**6 - 2, **options)
    assert names(tmp_path) == [f"epoch-{10**6 + n}.keras" for n in (1, 2)]
    model.fit(epochs=10**6 + 3, **options)
    assert model.history.epoch == [10**6 + 2]


@pytest.mark.slow
def test_every_saves_the_end_too(vectors, tmp_path):
    fit(vectors(), 5, Checkpoint(tmp_path, keep=9, every=2))
    assert names(tmp_path) == [f"epoch-{n:06d}.keras" for n in (2, 4, 5)]


@pytest.mark.slow
def test_restart_forgets(vectors, tmp_path):
    fit(vectors(), 2, Checkpoint(tmp_path))
    model, fresh = vectors(), vectors()
    fit(model, 1, Checkpoint(tmp_path, restart=True))
    fit(fresh, 1)
    assert_same(model, fresh)
    assert names(tmp_path) == ["epoch-000001.keras"]


def test_a_damaged_checkpoint_is_passed_over(vectors, tmp_path, capsys):
    whole = vectors()
    fit(whole, 3, Checkpoint(tmp_path))
    newest = tmp_path / "epoch-000003.keras"
    newest.write_bytes(newest.read_bytes()[:-100])
    resumed = vectors(seed=8)
    fit(resumed, 3, Checkpoint(tmp_path))
    assert_same(whole, resumed)
    assert f"Skipped {newest}" in capsys.readouterr().out
    for path in tmp_path.glob("*.keras"):
        path.write_bytes(b"")
    before = state(resumed)
    with pytest.raises(InvalidInput, match="Every checkpoint"):
        fit(resumed, 5, Checkpoint(tmp_path))
    for a, b in zip(before, state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_another_model_is_refused(vectors, pictures, tmp_path):
    fit(vectors(), 1, Checkpoint(tmp_path))
    for other in (pictures(), vectors(ema=0.9)):
        before = state(other)
        with pytest.raises(InvalidInput) as caught:
            fit(other, 2, Checkpoint(tmp_path))
        assert caught.value.argument is not None
        for a, b in zip(before, state(other), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_load_newest(vectors, tmp_path, capsys):
    model = vectors()
    fit(model, 2, Checkpoint(tmp_path / "checkpoints"))
    for folder in (tmp_path, tmp_path / "checkpoints"):
        loaded, path = load_newest(folder)
        assert path.name == "epoch-000002.keras"
        assert_same(loaded, model)
    path.write_bytes(b"")
    assert load_newest(tmp_path)[1].name == "epoch-000001.keras"
    assert f"Skipped {path}" in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="holds no checkpoints"):
        load_newest(tmp_path.parent)


@pytest.mark.slow
def test_two_runs_in_one_folder(vectors, tmp_path):
    class Second(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(InvalidInput, match="Another run is using"):
                fit(vectors(), 1, Checkpoint(tmp_path))

    fit(vectors(), 1, Checkpoint(tmp_path), Second())
    fit(vectors(), 2, Checkpoint(tmp_path))


def test_two_runs_in_one_folder_on_windows(vectors, tmp_path, monkeypatch):
    held = []

    def locking(descriptor, mode, count):
        if held:
            raise PermissionError
        held.append((mode, count))

    monkeypatch.setitem(sys.modules, "fcntl", None)
    stand_in = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", stand_in)
    first, second = Checkpoint(tmp_path), Checkpoint(tmp_path)
    first.acquire()
    with pytest.raises(InvalidInput, match="Another run is using"):
        second.acquire()
    assert held == [(2, 1)]


CHANGES = [
    {"learning_rate": 0.001},
    {"lambda_gp": 1.0},
    {"batch_size": 4},
    {"real": np.random.default_rng(9).random((64, 2))},
    {"generator_optimizer": keras.optimizers.SGD()},
]


@pytest.mark.parametrize(
    "changes",
    slow_but_first(*CHANGES, single=True),
    ids=lambda changes: next(iter(changes)),
)
def test_another_run_is_refused_with_what_differs(vectors, tmp_path, changes):
    fit(vectors(), 1, Checkpoint(tmp_path))
    other = vectors(**changes)
    (name,) = changes
    name = {"real": "real_examples", "generator_optimizer": "optimizers"}.get(
        name, name
    )
    with pytest.raises(InvalidInput) as caught:
        fit(other, 2, Checkpoint(tmp_path))
    assert caught.value.argument == name
    fit(other, 1, Checkpoint(tmp_path, restart=True))


def simple(
    real=REAL, activation="relu", latents=None, augment=None, cls=gan.Simple_GAN, **more
):
    """A model whose layers get new numbers each time, as in a notebook cell."""
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(4, activation)(inputs)
    both = keras.layers.Concatenate()([hidden, keras.layers.LeakyReLU()(hidden)])
    generator = keras.Model(inputs, keras.layers.Dense(2)(both))
    layers = [keras.layers.Dense(3), keras.layers.LeakyReLU(), keras.layers.Dense(1)]
    discriminator = keras.Sequential([keras.Input((2,)), *layers])
    latents = latents or gan.latent.LatentGenerator(2)
    options = {"batch_size": 8, "disc_iter": 1, "augment": augment, **more}
    model = cls(generator, discriminator, latents, real, **options)
    model.compile(run_eagerly=True)
    return model


def noise(deviation):
    return keras.Sequential([keras.layers.GaussianNoise(deviation)])


@pytest.mark.slow
def test_the_same_lines_run_again_are_the_same_run(tmp_path):
    for epochs in (1, 2):
        fit(simple(augment=noise(0.1)), epochs, Checkpoint(tmp_path), steps=1)
    assert names(tmp_path)[-1] == "epoch-000002.keras"


def normal(nb_points):
    return gan.normal_generator(nb_points, 2)


def uniform(nb_points):
    return gan.uniform_generator(nb_points, 2)


def mapped(folder, first):
    """A memory-mapped array whose first row has the value `first`."""
    rows = np.array(REAL)
    rows[0] = first
    path = folder / f"{first}.npy"
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


def dataset(rows):
    return tf.data.Dataset.from_tensor_slices(REAL[:rows]).batch(8)


OTHERS = {
    "model": [{}, {"cls": gan.MinimaxGAN}],
    "generator": [{}, {"activation": "elu"}],
    "latent_generator": [{}, {"latents": gan.latent.LatentGenerator(2, "uniform")}],
    "latent_generator function": [{"latents": normal}, {"latents": uniform}],
    "augment": [{"augment": noise(0.1)}, {"augment": noise(0.2)}],
    "augment at all": [{}, {"augment": noise(0.2)}],
    "optimizers": [{}, {"discriminator_optimizer": keras.optimizers.Adam(0.005)}],
    "real_examples mapped": [{"real": 0.0}, {"real": 1.0}],
    "real_examples dataset": [{"real": dataset(64)}, {"real": dataset(32)}],
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The latent generator cannot be stored")
@pytest.mark.parametrize("name", slow_but_first(*OTHERS, single=True))
def test_whatever_makes_another_run_is_told(tmp_path, name):
    one, other = (dict(options) for options in OTHERS[name])
    for options in (one, other):
        if isinstance(options.get("real"), float):
            options["real"] = mapped(tmp_path, options["real"])
    fit(simple(**one), 1, Checkpoint(tmp_path / "run"), steps=1)
    model = simple(**other)
    before = state(model)
    with pytest.raises(InvalidInput) as caught:
        fit(model, 2, Checkpoint(tmp_path / "run"), steps=1)
    assert caught.value.argument == name.split()[0]
    assert all(map(np.array_equal, before, state(model)))
    # A memory-mapped array is identified by its content, not by its path.
    if "mapped" in name:
        (tmp_path / "moved").mkdir()
        one["real"] = mapped(tmp_path / "moved", 0.0)
    fit(simple(**one), 2, Checkpoint(tmp_path / "run"), steps=1)


@pytest.mark.slow
def test_a_model_that_goes_on_to_other_data_or_options_begins_another_run(tmp_path):
    def script(model):
        fit(model, 1, Checkpoint(tmp_path / "a"), steps=1)
        model.real_examples, model.batch_size = REAL[::-1], 4
        fit(model, 2, Checkpoint(tmp_path / "b"), steps=1)

    script(simple())
    script(simple())
    others = {"real_examples": {"batch_size": 4}, "batch_size": {"real": REAL[::-1]}}
    for name, options in others.items():
        with pytest.raises(InvalidInput) as caught:
            fit(simple(**options), 3, Checkpoint(tmp_path / "b"))
        assert caught.value.argument == name


def test_callbacks_that_forget_are_told_of(tmp_path):
    stop = keras.callbacks.EarlyStopping("gen_loss", mode="min", patience=9)
    with pytest.warns(UserWarning, match="do not contain the state of EarlyStopping"):
        fit(simple(), 1, Checkpoint(tmp_path), stop, steps=1)


class Score(keras.callbacks.Callback):
    """A log that is best in the first epoch."""

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = 1.0 / (epoch + 1)


@pytest.mark.slow
def test_the_best_epoch_stays_the_best_after_a_resume(tmp_path):
    path = tmp_path / "best.keras"
    for epochs in (1, 2):
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="score", mode="max", save_best_only=True
        )
        fit(simple(), epochs, Score(), Checkpoint(tmp_path / "run"), best, steps=1)
    assert gan.load_model(path).generator.optimizer.iterations == 1


@pytest.mark.slow
def test_what_could_not_be_loaded_is_refused_before_the_first_step(tmp_path):
    steps = []

    class Bare(keras.layers.Layer):
        def __init__(self):
            super().__init__()

        def call(self, x, training=False):
            steps.append(training)
            return x

    model = simple(augment=Bare())
    fit(simple(), 1, Checkpoint(tmp_path), steps=1)
    steps.clear()
    before = names(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        fit(model, 1, Checkpoint(tmp_path, restart=True), steps=1)
    assert caught.value.argument == "model" and not steps
    assert names(tmp_path) == before


def test_more_epochs_than_a_checkpoint_has_room_for(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        fit(simple(), 10**8, Checkpoint(tmp_path), steps=1)
    assert caught.value.argument == "epochs" and not names(tmp_path)


@pytest.mark.slow
def test_notes_that_no_run_wrote_are_passed_over(tmp_path, capsys):
    fit(simple(), 1, Checkpoint(tmp_path), steps=1)
    good = gan.saving.read_notes(tmp_path / "epoch-000001.keras")
    infinite = float("inf")
    wrong = [{"epoch": e} for e in (infinite, -infinite, -5, 10**30, 1.5, "2", True)]
    wrong += [{"epoch": None}]
    wrong += [{"history": h} for h in ([], {"x": [1] * 9}, {"x": ["y"]}, {"x": 3})]
    wrong += [{"made_with": m} for m in ("[" * 10**5, "3", "", 7)]
    wrong += [{"position": 3}, {"position": {}}]
    for number, change in enumerate(wrong, 2):
        path = tmp_path / f"epoch-{number:06d}.keras"
        gan.saving.save_model(simple(), path, good | change)
    fit(simple(), 1, Checkpoint(tmp_path, keep=99), steps=1)
    said = capsys.readouterr().out
    assert said.count("Skipped") == len(wrong)
    assert f"Going on from {tmp_path / 'epoch-000001.keras'}" in said


@pytest.mark.slow
def several_flips():
    return keras.Sequential([keras.layers.RandomFlip(seed=s) for s in (1, 2)])


def pipeline():
    return keras.layers.Pipeline([keras.Sequential([several_flips()])])


def functional():
    pictures = keras.Input((4, 4, 1))
    return keras.Model(pictures, keras.layers.RandomFlip(seed=1)(pictures))


@pytest.mark.slow
@pytest.mark.parametrize(
    "augment", slow_but_first(several_flips, pipeline, functional, single=True)
)
def test_what_is_made_again_is_no_other_run(pictures, tmp_path, augment):
    for epochs in (1, 2):
        model = pictures(gan.Simple_GAN, augment=augment())
        model.compile(run_eagerly=True)
        keep = gan.callbacks.Checkpoint(tmp_path)
        model.fit(epochs=epochs, steps_per_epoch=1, verbose=0, callbacks=[keep])
    assert model.g_optimizer.iterations == 2
    model = pictures(gan.Simple_GAN, augment=keras.layers.RandomFlip(seed=3))
    with pytest.raises(InvalidInput):
        model.fit(epochs=3, verbose=0, callbacks=[gan.callbacks.Checkpoint(tmp_path)])


@pytest.mark.slow
def test_what_a_run_changes_of_itself_is_no_other_run(vectors, tmp_path):
    class Slower(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.learning_rate = self.model.learning_rate / 2
            self.model.lambda_gp = 5.0

    fit(vectors(), 2, Checkpoint(tmp_path), Slower())
    resumed = vectors()
    fit(resumed, 3, Checkpoint(tmp_path), Slower())
    np.testing.assert_allclose(resumed.generator.optimizer.learning_rate, 0.005 / 2)
    fit(resumed, 4, Checkpoint(tmp_path))


class CourseLatents(gan.latent.LatentGenerator):
    def __call__(self, nb_points):
        return keras.ops.convert_to_tensor(tf.random.normal((nb_points, self.dim)))


def test_latents_that_no_file_holds_are_told_of(vectors, tmp_path):
    model = vectors()
    parts = model.generator, model.discriminator, CourseLatents(2)
    course = gan.WGAN_GP(*parts, model.real_examples, batch_size=8)
    with pytest.warns(UserWarning, match="TensorFlow's own random state"):
        fit(course, 1, Checkpoint(tmp_path))


class Interrupt(keras.callbacks.Callback):
    """Send Ctrl-C when a batch of an epoch begins or, for -1, when the epoch ends."""

    def __init__(self, epoch, batch, number=signal.SIGINT):
        super().__init__()
        self.place, self.epoch, self.number = (epoch, batch), None, number

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            signal.raise_signal(self.number)

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_begin(-1)


@pytest.mark.slow
@pytest.mark.parametrize("batch, done", slow_but_first((2, 1), (-1, 2)))
def test_after_an_interrupt_it_goes_on_from_the_last_epoch(
    vectors, tmp_path, batch, done
):
    whole = vectors()
    history = fit(whole, 3).history
    model = vectors()
    model.compile(steps_per_execution=2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, 3, Checkpoint(tmp_path), Interrupt(1, batch))
    assert names(tmp_path)[-1] == f"epoch-{done:06d}.keras"
    resumed = vectors(seed=3)
    resumed.compile(steps_per_execution=1)
    checkpoint = Checkpoint(tmp_path)
    fit(resumed, 3, checkpoint)
    assert_same(whole, resumed)
    assert checkpoint.history == history


@pytest.mark.parametrize(
    "name, status", slow_but_first(("SIGTERM", 143), ("SIGHUP", 129))
)
def test_what_ends_a_program_ends_it_as_ctrl_c_does(request, tmp_path, name, status):
    number = getattr(signal, name)
    # The program that runs the tests may handle or ignore this signal.
    before = signal.signal(number, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(number, before))
    whole, stopped, resumed = (simple(seed=0) for _ in range(3))
    for other in (stopped, resumed):
        for a, b in zip(state_of(other), state_of(whole), strict=True):
            a.assign(b)
    fit(whole, 3, steps=2)
    # A fast machine would take both steps in one graph call.
    stopped.compile(run_eagerly=True, steps_per_execution=1)
    with pytest.raises(SystemExit) as caught:
        fit(stopped, 3, Checkpoint(tmp_path), Interrupt(1, 1, number), steps=2)
    assert caught.value.code == status
    assert signal.getsignal(number) == signal.SIG_DFL
    assert names(tmp_path) == ["epoch-000001.keras"]
    fit(resumed, 3, Checkpoint(tmp_path), steps=2)
    assert_same(whole, resumed)


@pytest.mark.parametrize(
    "name", slow_but_first("SIGTERM", "SIGHUP", "SIGINT", single=True)
)
def test_signals_that_the_user_ignores_or_handles_are_left_alone(name):
    number, received = getattr(signal, name), []
    handlers = [signal.SIG_IGN, lambda *_: received.append(name)]
    for handler in handlers[: 1 if name == "SIGINT" else 2]:
        before = signal.signal(number, handler)
        try:
            model = simple()
            fit(model, 2, Interrupt(0, 1, number), steps=2)
            assert model.generator.optimizer.iterations == 4
            assert signal.getsignal(number) == handler
        finally:
            signal.signal(number, before)
    assert received == [name] * (name != "SIGINT")


@pytest.mark.parametrize(
    "options", [{"directory": 3}, {"keep": 0}, {"every": -1}], ids=str
)
def test_bad_options(tmp_path, options):
    with refused(*options):
        Checkpoint(**{"directory": tmp_path, **options})


def test_a_file_is_no_directory(vectors, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=str(tmp_path)):
        fit(vectors(), 1, Checkpoint(tmp_path / "file"))


# -- divergence -----------------------------------------------------------------


@pytest.mark.slow
def test_divergence_keeps_the_last_good(vectors, tmp_path):
    model = vectors()
    with pytest.raises(Diverged) as caught:
        fit(model, 4, Checkpoint(tmp_path), Poison(2))
    said = str(caught.value)
    good = tmp_path / "epoch-000002.keras"
    assert said.endswith(f"The last good checkpoint is {good}.")
    restored, whole = gan.load_model(good), vectors()
    fit(whole, 2)
    assert_same(restored, whole)


def test_weights_that_are_not_finite_stop_it_even_where_losses_are(vectors):
    class Hide(gan.Simple_GAN):
        def after_discriminator_update(self):
            weight = self.discriminator.weights[-1]
            weight.assign(weight * np.inf)

        @staticmethod
        def discriminator_loss(real, fake):
            return keras.ops.mean(keras.ops.where(real > 9, real, 0.0))

        @staticmethod
        def generator_loss(fake):
            return keras.ops.mean(keras.ops.where(fake > 9, fake, 0.0))

    model = vectors(Hide)
    model.discriminator.weights[-1].assign([1.0])
    with pytest.raises(Diverged, match="finite"):
        fit(model, 1)


# -- Keras's own callbacks ------------------------------------------------------


@pytest.mark.slow
def test_model_checkpoint(vectors, tmp_path):
    model = vectors()
    whole = keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.keras", monitor="gp", mode="min", save_best_only=True
    )
    weights = keras.callbacks.ModelCheckpoint(
        tmp_path / "last.weights.h5", save_weights_only=True
    )
    fit(model, 2, whole, weights)
    assert (tmp_path / "1.keras").is_file()
    twin = vectors(seed=4)
    twin.load_weights(tmp_path / "last.weights.h5")
    assert_same(model, twin)


@pytest.mark.slow
def test_backup_and_restore(vectors, tmp_path):
    whole, crashed, resumed = vectors(), vectors(), vectors(seed=6)
    fit(whole, 3)
    crashed.compile(steps_per_execution=5)
    with pytest.raises(RuntimeError, match="crash"):
        fit(crashed, 3, keras.callbacks.BackupAndRestore(tmp_path), Stop(3))
    fit(resumed, 3, keras.callbacks.BackupAndRestore(tmp_path))
    assert_same(whole, resumed)


@pytest.mark.slow
def test_terminate_on_nan_ends_gracefully(vectors):
    model = vectors()
    history = fit(model, 5, keras.callbacks.TerminateOnNaN(), Poison(1))
    assert len(history.epoch) <= 2 and model.stop_training


@pytest.mark.slow
def test_csv_logger_and_tensorboard(vectors, tmp_path):
    csv = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    board = keras.callbacks.TensorBoard(str(tmp_path / "board"))
    fit(vectors(), 3, csv, board)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,discr_loss,gen_loss,gp") and len(lines) == 4
    assert list((tmp_path / "board").rglob("events*"))


@pytest.mark.slow
def test_early_stopping(vectors):
    stop = keras.callbacks.EarlyStopping("gp", mode="max", min_delta=9, patience=1)
    model = vectors()
    fit(model, 9, stop)
    assert len(model.history.epoch) == 2


# -- files that cannot be written -----------------------------------------------

FULL = """
import json, resource, signal, sys
sys.path[:0] = [{root!r}, {tests!r}]
import numpy as np, keras, gan
from gan.training.checkpoint import Checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
keras.utils.set_random_seed(0)
real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2))
model = gan.WGAN_GP(*gan.fully_connected_GenDiscr([2, 4, 2], real), real, batch_size=8)
model.compile()
class Fill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
try:
    model.fit(epochs=4, steps_per_epoch=2, verbose=0,
              callbacks=[Checkpoint({folder!r}), Fill()])
except OSError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    tests = os.path.dirname(__file__)
    code = FULL.format(root=os.path.dirname(tests), tests=tests, folder=str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=900
    )
    said = json.loads(run.stdout.splitlines()[-1])
    good = tmp_path / "epoch-000002.keras"
    assert said.startswith("Could not save") and said.endswith(f"is {good}.")
    assert gan.saving.read_notes(good)["epoch"] == 2
    assert not [name for name in names(tmp_path) if name.startswith(".")]
