import csv
import functools
import pathlib

import keras
import numpy as np
import PIL.Image
import pytest
import test_ac_gan
from conftest import refused, slow_but_first
from matplotlib.figure import Figure
from test_base import assert_same

import gan
from gan import metrics, plots
from gan.callbacks import (
    Animation,
    Checkpoint,
    Losses,
    Metrics,
    Page,
    SampleGrid,
)
from gan.latent import Stream

HELD_OUT = np.random.default_rng(9).normal(0.5, 0.1, (30, 2)).astype("float32")


def fit(model, epochs, *callbacks, **options):
    # The few steps here take less time than the tracing of a graph.
    model.compile(run_eagerly=True)
    options = {"steps_per_epoch": 3, "verbose": 0, **options}
    return model.fit(epochs=epochs, callbacks=list(callbacks), **options)


def halves(rows):
    return rows / 2 + 0.5


def two_pixels(model):
    """Draw three fakes of a model of points in the plane as the pixels of a picture."""
    fakes = model.get_fake_sample(3)
    fakes = fakes[0] if isinstance(fakes, tuple) else fakes
    return np.clip(fakes.numpy(), 0, 1)


def fixed_fakes(model, count, seed=0, averaged=None):
    """Draw fakes without the callbacks, from latents of a stream of their own."""
    network = model.generator
    if averaged is not False and model.averaged_generator is not None:
        network = model.averaged_generator
    with Stream(seed).sampling():
        latents = [model.latent_generator(min(500, count))]
        latents += [model.latent_generator(count - 500)] if count > 500 else []
    return network(np.concatenate(latents), training=False).numpy()


def read_png(path):
    with PIL.Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


def read_gif(path):
    with PIL.Image.open(path) as file:
        frames = []
        for number in range(file.n_frames):
            file.seek(number)
            frames.append(np.asarray(file.convert("RGB")))
    return frames


def read_table(path):
    with path.open() as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


class Stop(keras.callbacks.Callback):
    """Raise at the start of an epoch, as a crash would."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("crash")


# -- pictures -------------------------------------------------------------------


@pytest.mark.slow
def test_grid_and_animation_show_the_averaged_generator_from_fixed_latents(
    pictures, tmp_path
):
    seen = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rows = fixed_fakes(self.model, 6, seed=3)
            seen.append(plots.tile(rows / 2 + 0.5, 3))

    options = {"count": 6, "columns": 3, "seed": 3, "to_picture": halves}
    grid = SampleGrid(tmp_path / "grid", **options)
    fit(pictures(ema=0.9), 2, grid, Animation(tmp_path / "a.gif", **options), See())
    assert names(tmp_path / "grid") == [
        "image_at_epoch_0001.png",
        "image_at_epoch_0002.png",
    ]
    frames = read_gif(tmp_path / "a.gif")
    assert not np.array_equal(*seen)
    for epoch, (frame, tiled) in enumerate(zip(frames, seen, strict=True), 1):
        png = read_png(tmp_path / "grid" / f"image_at_epoch_{epoch:04d}.png")
        np.testing.assert_array_equal(png, plots.pixels(plots.mosaic(tiled[None])))
        np.testing.assert_array_equal(png, frame)


@pytest.mark.parametrize("side", slow_but_first(43, 116, 600, single=True))
def test_frames_are_shrunk_to_about_350_pixels(vectors, tmp_path, side):
    animation = Animation(tmp_path / "a.gif", draw=lambda _: np.eye(side))
    animation.set_model(vectors())
    animation.on_epoch_begin(0)
    animation.on_epoch_end(0)
    animation.on_train_end()
    (frame,) = read_gif(tmp_path / "a.gif")
    assert 300 <= max(frame.shape) < 700
    whole = read_png(tmp_path / "a-frames" / "000001.png")
    assert abs(frame.mean() - whole.mean()) < 1


@pytest.mark.slow
def test_every_name_and_draw_of_a_figure(vectors, tmp_path):
    def figure(model):
        figure = Figure((1, 1), facecolor="#808000")
        figure.text(0.2, 0.5, "a figure")
        return figure

    model = vectors(gan.Simple_GAN)
    fit(
        model,
        5,
        SampleGrid(tmp_path, draw=figure, every=2, name="{epoch}.png"),
        SampleGrid(str(tmp_path), draw=figure, every=5, name="last.png"),
        Animation(tmp_path / "a.gif", draw=figure, every=4),
    )
    assert names(tmp_path) == ["2.png", "4.png", "a-frames", "a.gif", "last.png"]
    assert names(tmp_path / "a-frames") == ["000004.png"]
    (frame,) = read_gif(tmp_path / "a.gif")
    assert abs(frame - plots.pixels(figure(model)) * 1.0).mean() < 3
    np.testing.assert_array_equal(
        read_png(tmp_path / "last.png"), plots.pixels(figure(model))
    )


def test_unfit_pictures_are_refused_before_any_step(vectors, tmp_path):
    model = vectors()
    for callback in (SampleGrid(tmp_path), Animation(tmp_path / "a.gif")):
        with refused("pictures"):
            fit(model, 1, callback)
    assert model.generator.optimizer.iterations == 0
    assert names(tmp_path) == ["a-frames"]


@pytest.mark.parametrize(
    "options", [{"count": 0}, {"columns": 1.5}, {"every": -1}, {"seed": "1"}]
)
def test_unusable_options_of_pictures(tmp_path, options):
    with refused(*options):
        SampleGrid(tmp_path / "new", **options)
    with refused(*options):
        Animation(tmp_path / "a.gif", **options)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "options",
    [
        {"name": "{n}.png"},
        {"name": "{}.png"},
        {"name": "{epoch:q}.png"},
        {"name": "{epoch.year}.png"},
        {"name": "{epoch[0]}.png"},
        {"name": "{epoch.png"},
        {"name": "{epoch}/a.png"},
        {"name": pathlib.Path("{epoch}.png")},
        {"name": "last.png", "gif": "a.gif"},
        {"draw": "two_pixels"},
        {"to_picture": 0.5},
    ],
)
def test_what_would_fail_after_the_first_epoch_is_refused_at_once(
    tmp_path, monkeypatch, options
):
    monkeypatch.chdir(tmp_path)
    with refused(next(iter(options))):
        SampleGrid("pictures", **options)
    assert names(tmp_path) == []


@pytest.mark.slow
def test_what_an_earlier_run_left_is_no_frame(vectors, tmp_path):
    frames = tmp_path / "a-frames"
    frames.mkdir()
    plots.write_png(np.zeros((9, 9)), frames / "000001.png")
    (frames / "000002.png").write_bytes(b"\x89PNG of which the rest is lost")
    fit(
        vectors(),
        4,
        Animation(tmp_path / "a.gif", draw=two_pixels),
        initial_epoch=2,
    )
    assert len(read_gif(tmp_path / "a.gif")) == 2


def test_unusable_places_of_pictures(tmp_path):
    (tmp_path / "file").write_text("")
    with refused("directory"):
        SampleGrid(tmp_path / "file")
    with refused("directory"):
        SampleGrid(3)
    for name in ["{epoch}.gif", "{epoch}", 3]:
        with refused("name"):
            SampleGrid(tmp_path, name=name)
    with refused("path"):
        SampleGrid(tmp_path, name="a/{epoch}.png")
    with refused("path"):
        Animation(tmp_path / "a.png")
    with refused("frames_per_second"):
        Animation(tmp_path / "a.gif", frames_per_second=0)
    with refused("path"):
        SampleGrid(tmp_path, gif=tmp_path / "a.png")


# -- Metrics --------------------------------------------------------------------


@pytest.mark.slow
def test_metrics_are_those_of_fixed_fakes_in_history_and_in_later_callbacks(
    vectors, tmp_path, capsys
):
    expected = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            fakes = halves(fixed_fakes(self.model, 600, seed=4))
            expected.append(metrics.frechet_distance(HELD_OUT, fakes))

    judge = Metrics(
        HELD_OUT, ("fd", "recall"), every=2, count=600, seed=4, to_picture=halves
    )
    board = keras.callbacks.TensorBoard(str(tmp_path / "board"))
    checkpoint = Checkpoint(tmp_path / "run")
    model = vectors(ema=0.9)
    history = fit(model, 5, See(), judge, checkpoint, board, verbose=2).history
    wanted = [expected[epoch] for epoch in (0, 1, 3)]
    np.testing.assert_allclose(history["fd"], wanted, rtol=1e-12)
    assert len(history["recall"]) == 3 and len(history["gp"]) == 5
    assert checkpoint.history == history
    lines = [line for line in capsys.readouterr().out.splitlines() if "gp:" in line]
    assert ["fd:" in line for line in lines] == [True, True, False, True, False]
    assert board_scalars(tmp_path / "board", "epoch_fd") == {
        epoch: pytest.approx(value)
        for epoch, value in zip((0, 1, 3), wanted, strict=True)
    }


def board_scalars(directory, tag):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    found = {}
    for path in directory.rglob("events*"):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == tag:
                    number = tensor_util.make_ndarray(value.tensor)
                    found[event.step] = float(number)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"names": ["fid"]},
        {"names": "fd"},
        {"names": [[]]},
        {"names": [{}, "fd"]},
        {"names": ["fd", "fd"]},
        {"names": None},
        {"every": 0},
        {"count": 7},
        {"seed": None},
        {"to_picture": "halves"},
        {"real": (HELD_OUT, np.arange(29))},
        {"real": np.ones((30, 2)), "names": ["fd49"]},
        {"real": HELD_OUT * np.nan},
    ],
)
def test_unusable_options_of_metrics(options):
    with refused(next(iter(options))):
        Metrics(**{"real": HELD_OUT, **options})


@pytest.mark.parametrize("real", [HELD_OUT[:7], "reals"])
def test_too_few_reals_and_no_numbers_are_refused(real):
    with refused("real"):
        Metrics(real)


def test_fakes_unlike_the_reals_are_refused_before_any_step(vectors):
    model = vectors()
    with refused("real"):
        fit(model, 1, Metrics(np.ones((30, 3))))
    assert model.generator.optimizer.iterations == 0


# -- Losses ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "cls, held_out",
    slow_but_first(
        (gan.WGAN_GP, HELD_OUT), (gan.Simple_GAN, HELD_OUT), (gan.WGAN_GP, None)
    ),
    ids=["wasserstein", "least squares", "nothing held out"],
)
def test_losses_are_noted_and_drawn(vectors, tmp_path, monkeypatch, cls, held_out):
    drawn = []
    usual = plots.curves
    monkeypatch.setattr(
        plots, "curves", lambda panels: drawn.append(panels) or usual(panels)
    )
    model = vectors(cls)
    callback = Losses(tmp_path / "losses.png", held_out, every=2, seed=5)
    history = fit(model, 3, callback).history
    rows = read_table(tmp_path / "losses.csv")
    assert [row.pop("epoch") for row in rows] == [1, 2, 3]
    assert {name: [row[name] for row in rows] for name in rows[0]} == history
    assert len(drawn) == 2
    wasserstein = cls is gan.WGAN_GP
    label = "Wasserstein estimate" if wasserstein else "discriminator loss"
    others = ["gradient penalty"] if wasserstein else []
    assert [*drawn[-1]] == [label, "generator loss", *others]
    sign = -1 if wasserstein else 1
    epochs, training = drawn[-1][label]["training"]
    log = "discr_loss" if held_out is None else "training_loss"
    assert [*epochs] == [1, 2, 3]
    np.testing.assert_array_equal(training, sign * np.array(history[log]))
    np.testing.assert_array_equal(
        read_png(tmp_path / "losses.png"), plots.pixels(usual(drawn[-1]))
    )
    if held_out is None:
        return
    last = history["held_out_loss"][-1]
    np.testing.assert_array_equal(drawn[-1][label]["held out"][1][-1], sign * last)
    fake = model.discriminator(fixed_fakes(model, 30, seed=5)).numpy()
    real = model.discriminator(HELD_OUT).numpy()
    expected = fake.mean() - real.mean()
    if not wasserstein:
        expected = ((real - 1) ** 2).mean() + ((fake + 1) ** 2).mean()
    assert last == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "base", slow_but_first(gan.WGAN_GP, gan.Simple_GAN, single=True)
)
def test_the_class_says_how_its_loss_is_drawn(base, vectors, tmp_path, monkeypatch):
    """The loss function may have any name, but another loss is drawn otherwise."""

    class Renamed(base):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.discriminator_loss = functools.partial(base.discriminator_loss)

    class Stated(base):
        loss_panel = ("half of the distance", -0.5)

        @staticmethod
        def discriminator_loss(real, fake):
            return base.discriminator_loss(real, fake)

    class Other(base):
        def discriminator_loss(self, wasserstein, fake):
            return gan.losses.hinge_discriminator(wasserstein, fake)

    drawn = []
    monkeypatch.setattr(plots, "curves", drawn.append)
    monkeypatch.setattr(plots, "save", lambda *given: None)
    for cls in (Renamed, Stated, Other):
        model = vectors(cls)
        model.compile(run_eagerly=True)
        fit(model, 1, Losses(tmp_path / f"{cls.__name__}.png"))
    wasserstein = ("Wasserstein estimate", -1)
    usual = ("discriminator loss", 1)
    expected = [wasserstein if base is gan.WGAN_GP else usual]
    expected += [("half of the distance", -0.5), usual]
    for panels, (title, sign), cls in zip(
        drawn[::2], expected, ("Renamed", "Stated", "Other"), strict=True
    ):
        (row,) = read_table(tmp_path / f"{cls}.csv")
        assert next(iter(panels)) == title
        assert panels[title]["training"] == ((1,), (sign * row["discr_loss"],))


@pytest.mark.slow
def test_a_discriminator_that_knows_its_training_rows_shows_a_gap(pictures, tmp_path):
    """The held-out pictures are far from the training ones, and have no channels."""
    dark = np.zeros((32, 4, 4), np.uint8)
    model = pictures(real=dark, ema=0.9)
    model.discriminator.layers[0].set_weights([np.ones((3, 3, 1, 2)), np.zeros(2)])
    model.discriminator.layers[-1].set_weights([-np.ones((8, 1)), np.zeros(1)])
    callback = Losses(tmp_path / "losses.png", dark + np.uint8(255))
    fit(model, 1, callback, steps_per_epoch=1)
    (row,) = read_table(tmp_path / "losses.csv")
    # D(dark) is about 0, D(bright) is about -1.
    assert row["held_out_loss"] - row["training_loss"] == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_losses_of_a_dataset(vectors, tmp_path):
    import tensorflow as tf

    model = vectors()
    data = tf.data.Dataset.from_tensor_slices(HELD_OUT[:16]).batch(8)
    fit(model, 1, Losses(tmp_path / "losses.png", HELD_OUT[:8]), x=data)
    (row,) = read_table(tmp_path / "losses.csv")
    assert row["training_loss"] == row["held_out_loss"]


def test_unusable_options_of_losses(vectors, tmp_path):
    path = tmp_path / "losses.png"
    for options in (
        {"path": 3},
        {"path": tmp_path / "a.pdf"},
        {"path": tmp_path / "no" / "a.png"},
        {"every": 0},
        {"held_out": "x"},
        {"held_out": shuffled(HELD_OUT)},
        {"seed": 1.5},
    ):
        with refused(*options):
            Losses(**{"path": path, **options})
    model = vectors()
    with refused("held_out"):
        fit(model, 1, Losses(path, np.ones((9, 3))))
    bad = ["a,b\n1,2\n", "epoch,gp\n1,x\n", "epoch\n1,2\n", "\x00\xff"]
    for epoch in ["inf", "nan", "-5", "0", "1\n1", "2\n1"]:
        bad.append(f"epoch\n{epoch}\n")
    for text in bad:
        path.with_suffix(".csv").write_text(text)
        with refused("path"):
            fit(model, 1, Losses(path))
    assert model.generator.optimizer.iterations == 0


@pytest.mark.slow
def test_losses_that_are_beyond_all_bounds_and_logs_that_are_missing(vectors, tmp_path):
    table = tmp_path / "losses.csv"
    table.write_text("epoch,discr_loss,gp\n1,inf,1e308\n2,nan,-1e308\n3,-inf,0\n")
    finished = {"initial_epoch": 3}
    fit(vectors(), 3, Losses(tmp_path / "losses.png", HELD_OUT), **finished)
    fit(vectors(), 4, Losses(tmp_path / "losses.png", HELD_OUT), **finished)
    assert [row["epoch"] for row in read_table(table)] == [1, 2, 3, 4]
    table.write_text("epoch\n1\n")
    fit(vectors(), 1, Losses(tmp_path / "losses.png"), initial_epoch=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", slow_but_first("array", "Dataset", "labels", single=True)
)
def test_more_examples_are_held_out_than_trained_on(tmp_path, kind):
    model = KINDS["labels" if kind == "labels" else "pairs of real and fake"]()
    if kind == "Dataset":
        model.real_examples = shuffled(HELD_OUT[:8])
    held_out = np.tile(HELD_OUT, (3, 1))
    held_out = (held_out, np.arange(90) % 3) if kind == "labels" else held_out
    fit(model, 1, Losses(tmp_path / "losses.png", held_out))
    assert np.isfinite(read_table(tmp_path / "losses.csv")[0]["held_out_loss"])


def test_batches_are_no_held_out_examples(tmp_path):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return HELD_OUT[:8]

    with refused("held_out"):
        Losses(tmp_path / "losses.png", Batches())


@pytest.mark.slow
def test_a_model_with_labels(tmp_path):
    real = np.random.default_rng(0).random((40, 4, 4)), np.arange(40) % 4
    held_out = real[0][:9], real[1][:9]
    model = test_ac_gan.make(real, row=(4, 4))
    fit(
        model,
        1,
        Losses(tmp_path / "losses.png", held_out),
        SampleGrid(tmp_path, 2, to_picture=lambda rows: rows.clip(0, 1)),
        Metrics(real[0], ["fd"], count=9),
    )
    assert names(tmp_path) == ["image_at_epoch_0001.png", "losses.csv", "losses.png"]
    (row,) = read_table(tmp_path / "losses.csv")
    with model.stream.restarted(0):
        fake = model.get_fake_sample(9)
    sets = [(np.float32(held_out[0]), held_out[1]), fake]
    said = [(*model.discriminator(rows), labels) for rows, labels in sets]
    loss = model.discriminator_loss(*said)
    assert row["held_out_loss"] == pytest.approx(float(loss), rel=1e-5)


# -- together -------------------------------------------------------------------

LABELS = np.arange(30) % 3
NORMAL = gan.latent.LatentGenerator(2)


def with_labels(size, conditional=True):
    """A network that takes points and labels, or AC-GAN's discriminator of points."""
    vector, label = keras.Input((2,)), keras.Input((), dtype="int32")
    x = keras.layers.Dense(4, activation="tanh")(vector)
    if not conditional:
        ends = [
            keras.layers.Dense(1, activation="sigmoid")(x),
            keras.layers.Dense(3, activation="softmax")(x),
        ]
        return keras.Model(vector, ends)
    embedded = keras.layers.Embedding(3, 2)(label)
    x = keras.layers.Dense(size)(keras.layers.Concatenate()([x, embedded]))
    return keras.Model([vector, label], x)


def with_dropout(size, noise=()):
    kinds = [keras.layers.Dense(4), keras.layers.Dropout(0.5), *noise]
    return keras.Sequential([keras.Input((2,)), *kinds, keras.layers.Dense(size)])


def shuffled(*arrays):
    """A Dataset whose order depends on how often it is read."""
    import tensorflow as tf

    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).shuffle(30, seed=3).batch(8)


def of_networks(cls, generator, discriminator, real, **options):
    options = {"batch_size": 8, "disc_iter": 1, "seed": 0, **options}
    return cls(generator, discriminator, NORMAL, real, **options)


KINDS = {
    "average": lambda: of_networks(
        gan.WGAN_GP, with_dropout(2), with_dropout(1), HELD_OUT, ema=0.9
    ),
    "pairs of real and fake": lambda: of_networks(
        gan.R3GAN, with_dropout(2), with_dropout(1), HELD_OUT[:8]
    ),
    "Dataset": lambda: of_networks(
        gan.WGAN_GP, with_dropout(2), with_dropout(1), shuffled(HELD_OUT[:5])
    ),
    "labels": lambda: of_networks(
        gan.HingeGAN, with_labels(2), with_labels(1), (HELD_OUT, LABELS)
    ),
    "Dataset with labels": lambda: of_networks(
        gan.HingeGAN, with_labels(2), with_labels(1), shuffled(HELD_OUT[:8], LABELS[:8])
    ),
    "AC_GAN": lambda: of_networks(
        gan.AC_GAN,
        with_labels(2),
        with_labels(1, conditional=False),
        (HELD_OUT, LABELS),
        ema=0.9,
    ),
}
CALLBACKS = {
    "SampleGrid": lambda folder, held_out: SampleGrid(
        folder / "pictures", draw=two_pixels, gif=folder / "grid.gif", every=2
    ),
    "Animation": lambda folder, held_out: Animation(
        folder / "a.gif", draw=two_pixels, every=2
    ),
    "Metrics": lambda folder, held_out: Metrics(HELD_OUT, ["sw2"], count=8),
    "Losses": lambda folder, held_out: Losses(folder / "losses.png", held_out, every=2),
    "Page": lambda folder, held_out: Page(folder / "page.html", frames=2),
}


def all_callbacks(folder, model):
    labels = "Embedding" in str(model.generator.get_config())
    held_out = (HELD_OUT, LABELS) if labels else HELD_OUT
    return {name: make(folder, held_out) for name, make in CALLBACKS.items()}


def seeded(kind):
    keras.utils.set_random_seed(0)
    return KINDS[kind]()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "average",
        "labels",
        "Dataset",
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ("pairs of real and fake", "Dataset with labels", "AC_GAN")
        ),
    ],
)
def test_all_callbacks_leave_the_run_as_it_is_also_resumed_and_finished(tmp_path, kind):
    plain = seeded(kind)
    history = fit(plain, 2).history
    # The checkpoint comes last, first and, in a finished run, among the callbacks.
    for epochs, place in ((1, 5), (2, 0), (2, 3)):
        model = seeded(kind)
        watching = [*all_callbacks(tmp_path, model).values()]
        watching.insert(place, Checkpoint(tmp_path / "run"))
        # A resumed run would read a Dataset from its start, so train without a stop.
        if "Dataset" in kind:
            watching[place], epochs = keras.callbacks.Callback(), 2
        found = fit(model, epochs, *watching).history
        if epochs == 2:
            assert_same(plain, model)
    assert "Dataset" not in kind or {n: found[n] for n in history} == history


@keras.saving.register_keras_serializable("tests")
class Noise(keras.layers.Layer):
    """Adds noise at every call, also in inference, from its own seed generator."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + 0.1 * keras.random.normal((x.shape[1],), seed=self.seed)


def trained_twice(noise, watching=()):
    keras.utils.set_random_seed(0)
    networks = (with_dropout(n, [Noise()] if noise else []) for n in (2, 1))
    model = of_networks(gan.Simple_GAN, *networks, HELD_OUT)
    for first in (0, 1):
        fit(model, first + 1, *watching, initial_epoch=first)
    return model


@functools.cache
def unwatched(noise):
    return trained_twice(noise)


@pytest.mark.parametrize("name", slow_but_first(*CALLBACKS, single=True))
def test_each_callback_leaves_the_draws_of_the_next_fit_as_they_are(tmp_path, name):
    # Pages support only layers of Keras.
    noise = name != "Page"
    watching = [CALLBACKS[name](tmp_path, HELD_OUT)]
    assert_same(unwatched(noise), trained_twice(noise, watching))


@pytest.mark.slow
def test_a_page_survives_weights_that_it_cannot_hold(tmp_path):
    class Grow(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            weight = self.model.generator.weights[-1]
            weight.assign(np.full(weight.shape, 1e5 if epoch == 1 else 0.1))

    path = tmp_path / "page.html"
    fit(seeded("average"), 3, Page(path), Grow())
    assert '"epochs": [0, 1, 3]' in path.read_text(encoding="utf-8")
    # The next run has nothing to do, and the film stays.
    film = path.read_bytes()
    fit(seeded("average"), 3, Page(path), initial_epoch=3)
    assert path.read_bytes() == film


def watchers(directory):
    directory.mkdir(exist_ok=True)
    return [
        Animation(directory / "a.gif", draw=two_pixels, every=2),
        Losses(directory / "losses.png", HELD_OUT, every=5),
        SampleGrid(directory, draw=two_pixels, every=2),
        Metrics(HELD_OUT, ["sw2"], every=2, count=20),
    ]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_files(vectors, tmp_path):
    whole, crashed, resumed = vectors(), vectors(), vectors(seed=7)
    fit(whole, 5, *watchers(tmp_path / "whole"))
    killed = tmp_path / "killed"

    def together():
        # Some callbacks are called before the checkpoint is written, some after.
        first, second, *others = watchers(killed)
        return first, second, Checkpoint(tmp_path / "run", every=3), *others

    with pytest.raises(RuntimeError, match="crash"):
        fit(crashed, 5, *together(), Stop(4))
    assert names(killed / "a-frames") == ["000002.png", "000004.png"]
    assert len(read_table(killed / "losses.csv")) == 4
    # The run resumes from the checkpoint of epoch 3, so it repeats epoch 4.
    fit(resumed, 5, *together())
    assert_same(whole, resumed)
    assert names(killed) == names(tmp_path / "whole") and len(names(killed)) == 6
    for name in names(killed):
        if name == "a-frames":
            continue
        same = (killed / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        assert same, name


@pytest.mark.slow
def test_a_new_run_starts_its_files_anew(vectors, tmp_path):
    for epochs in (3, 2):
        fit(vectors(), epochs, *watchers(tmp_path))
        assert len(read_table(tmp_path / "losses.csv")) == epochs
        assert len(read_gif(tmp_path / "a.gif")) == epochs // 2


@pytest.mark.slow
def test_divergence_leaves_the_last_good_files(vectors, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                weight = self.model.generator.weights[0]
                weight.assign(np.full(weight.shape, np.nan))

    stop = keras.callbacks.TerminateOnNaN()
    fit(vectors(), 5, *watchers(tmp_path), stop, Poison())
    assert len(read_table(tmp_path / "losses.csv")) == 2
    assert len(read_gif(tmp_path / "a.gif")) == 1


@pytest.mark.slow
def test_a_run_killed_while_it_made_its_animation_makes_it_again(vectors, tmp_path):
    def train():
        draw = [
            Checkpoint(tmp_path / "run"),
            Animation(tmp_path / "a.gif", draw=two_pixels),
        ]
        vectors().fit(epochs=3, steps_per_epoch=1, verbose=0, callbacks=draw)

    train()
    expected = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").unlink()
    train()
    assert (tmp_path / "a.gif").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", slow_but_first("pictures/0001.png", "losses.png", "losses.csv", single=True)
)
def test_what_a_kill_left_of_a_picture_is_cleared(vectors, tmp_path, name):
    (tmp_path / "pictures").mkdir()
    left = (tmp_path / name).with_name(f".gan-{name.rpartition('/')[2]}-x.png")
    other = tmp_path / ".gan-report.png-x.png"
    for path in (left, other):
        path.write_bytes(b"")
    callbacks = [
        SampleGrid(tmp_path / "pictures", name="{epoch:04d}.png", draw=two_pixels),
        Losses(tmp_path / "losses.png"),
    ]
    vectors().fit(epochs=1, steps_per_epoch=1, verbose=0, callbacks=callbacks)
    assert not left.exists() and other.exists()
