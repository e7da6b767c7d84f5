import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
from browser import browser
from conftest import refused, slow_but_first
from keras import layers as L

import gan
from gan import cli, pages

NETWORK = pathlib.Path(pages.__file__).parent / "static" / "network.js"


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def run(tab, tmp_path_factory):
    """A function that runs a Keras network in the browser, by network.js."""
    path = tmp_path_factory.mktemp("network") / "network.html"
    path.write_text(f"<script>{NETWORK.read_text(encoding='utf-8')}</script>")

    def run_in_browser(network, *inputs):
        tab.open(path)
        weights = pages.Weights()
        description = json.dumps(pages.describe(network, weights))
        given = [f"Float32Array.from({np.ravel(x).tolist()})" for x in inputs]
        made = f"makeNetwork({description}, unpack('{weights}'))"
        found = f"Array.from({made}([{','.join(given)}], {len(inputs[0])}))"
        assert tab.errors == []
        return np.array(tab.evaluate(found))

    return run_in_browser


def functional(shape, *parts, dtype="float32"):
    x = inputs = keras.Input(shape, dtype=dtype)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def two(join, shape=(3,)):
    inputs = keras.Input(shape)
    parts = [L.Dense(4, name="a")(inputs), L.Dense(4, name="b")(inputs)]
    return keras.Model(inputs, join(parts))


def nested():
    inner = keras.Sequential([keras.Input((3,)), L.Dense(4), L.ReLU()])
    return functional((3,), inner, L.Dense(2))


def convolution(*options, cls=L.Conv2D, shape=(5, 6, 2)):
    size, strides, padding = options
    return functional(shape, cls(3, size, strides, padding))


def same(filters):
    return L.Conv2D(filters, 3, padding="same")


MAP = (4, 6, 3)
NETWORKS = {
    **{
        f"dense, {name}": lambda name=name: functional((3,), L.Dense(5, name))
        for name in "linear tanh sigmoid relu elu softplus softmax".split()
    },
    "dense, leaky": lambda: functional((3,), L.Dense(5, "leaky_relu")),
    "dense without bias": lambda: functional((3,), L.Dense(5, use_bias=False)),
    "dense on a map": lambda: functional((4, 3), L.Dense(5)),
    **{
        f"conv {options}": lambda options=options: convolution(*options)
        for options in (
            (3, 1, "same"),
            (4, 2, "same"),
            ((2, 5), 1, "valid"),
            (5, (1, 2), "same"),
            (3, 2, "valid"),
        )
    },
    **{
        f"transposed {o}": lambda o=o: convolution(*o, cls=L.Conv2DTranspose)
        for o in ((3, 1, "same"), (5, 2, "same"), (4, 2, "valid"), (2, 3, "same"))
    },
    "doubled": lambda: functional(
        (2, 3, 4), L.UpSampling2D(), L.Conv2D(5, 3, 1, "same")
    ),
    "doubled, used twice": lambda: twice(),
    "doubled, valid": lambda: functional((2, 3, 4), L.UpSampling2D(), L.Conv2D(5, 3)),
    "upsample": lambda: functional((2, 3, 2), L.UpSampling2D((2, 3))),
    "bilinear": lambda: functional(
        (2, 3, 2),
        L.UpSampling2D(2, interpolation="bilinear"),
        L.Conv2D(3, 3, 1, "same"),
    ),
    "bilinear of 3": lambda: functional(
        (2, 3, 2), L.UpSampling2D((3, 2), interpolation="bilinear")
    ),
    "bicubic": lambda: functional((3, 5, 2), L.Resizing(12, 10, "bicubic")),
    "crop": lambda: functional((4, 5, 2), L.Cropping2D(((1, 0), (0, 2)))),
    "norm": lambda: functional(MAP, L.BatchNormalization()),
    "norm, bare": lambda: functional(
        MAP, L.BatchNormalization(scale=False, center=False)
    ),
    "rescaling": lambda: functional(MAP, L.Rescaling(3.0, -0.5)),
    "reshape": lambda: functional((6,), L.Reshape((2, 3)), L.Flatten(), L.Dense(2)),
    "leaky": lambda: functional((3,), L.LeakyReLU(0.3)),
    "softmax": lambda: functional((3,), L.Softmax()),
    "relu": lambda: functional((3,), L.ReLU()),
    "activation": lambda: functional((3,), L.Activation("tanh")),
    "nothing": lambda: functional((3,), L.Dropout(0.5), L.GaussianNoise(1.0)),
    "max": lambda: functional((5, 6, 2), L.MaxPooling2D()),
    "mean": lambda: functional((4, 6, 2), L.AveragePooling2D((2, 3))),
    "mean, same": lambda: functional((5, 4, 2), L.AveragePooling2D(2, 1, "same")),
    "permute": lambda: functional((2, 3, 4), L.Permute((3, 1, 2))),
    "max, same": lambda: functional((5, 7, 2), L.MaxPooling2D(3, 2, "same")),
    "add": lambda: two(L.Add()),
    "multiply": lambda: two(L.Multiply()),
    "dot": lambda: two(L.Dot(1)),
    "concatenate": lambda: two(L.Concatenate()),
    "sequential": lambda: keras.Sequential([keras.Input((3,)), L.Dense(4), L.Dense(2)]),
    "nested": nested,
}


def twice():
    """A network in which a second layer also uses the doubled map."""
    inputs = keras.Input((2, 2, 3))
    doubled = L.UpSampling2D()(inputs)
    convolved = L.Conv2D(3, 3, padding="same")(doubled)
    return keras.Model(inputs, L.Add()([doubled, convolved]))


def halved(network):
    """Give a network positive random weights that half floats hold exactly."""
    rng = np.random.default_rng(0)
    weights = [np.abs(rng.normal(size=w.shape)) for w in network.weights]
    network.set_weights([np.float16(0.1 + w * 0.5).astype("f4") for w in weights])
    return network


@pytest.mark.parametrize("name", slow_but_first(*NETWORKS, single=True))
def test_layers_are_keras_s(run, name):
    network = halved(NETWORKS[name]())
    x = np.random.default_rng(1).normal(size=(3, *network.input_shape[1:]))
    x = x.astype("float32")
    wanted = np.ravel(network(x))
    # Factors of a normalisation and weights of a resizing are rounded once more.
    rounded = "norm" in name or name == "bicubic"
    tolerance = 2e-3 if rounded else 2e-5
    np.testing.assert_allclose(run(network, x), wanted, tolerance, tolerance)


def test_labels_are_embedded(run):
    latents, labels = keras.Input((3,)), keras.Input((), dtype="int32")
    x = L.Multiply()([latents, L.Embedding(4, 3)(labels)])
    network = halved(keras.Model([latents, labels], x))
    z, classes = np.float32([[1, 2, 3], [4, 5, 6]]), np.array([3, 1])
    wanted = np.ravel(network([z, classes]))
    np.testing.assert_allclose(run(network, z, classes), wanted, rtol=1e-6)


def generators():
    from gan.recipes import lfw, mnist_acgan, mnist_dcgan, mnist_dense

    keras.utils.set_random_seed(0)
    residual = {"classes": 10, "width": 4}
    return {
        "faces": gan.convolutional_GenDiscr()[0],
        "acgan": mnist_acgan.make_generator(),
        "dcgan": mnist_dcgan.make_generator(),
        "dense": mnist_dense.make_generator(),
        "lfw": lfw.make_generator(),
        "residual": gan.residual_GenDiscr((16, 16, 3), 8, **residual)[0],
        "strided": gan.strided_GenDiscr((16, 16, 3), 8, **residual)[0],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "faces",
        "acgan",
        "dense",
        "residual",
        "strided",
        *(pytest.param(large, marks=pytest.mark.slow) for large in ("dcgan", "lfw")),
    ],
)
def test_pictures_of_generators_are_keras_s(run, name):
    """They agree within 2/255, though the weights are rounded to half floats."""
    network = generators()[name]
    if name == "faces":
        folder = pathlib.Path(gan.__file__).parents[1] / "faces"
        gan.weights.load_weights((network, folder / "generator.h5"))
    shape = network.input_shape
    dim = shape[0][-1] if isinstance(shape, list) else shape[-1]
    z = np.random.default_rng(0).normal(size=(100, dim)).astype("float32")
    inputs = [z, np.arange(100) % 10] if isinstance(shape, list) else [z]
    wanted = np.ravel(network(inputs if len(inputs) > 1 else z))
    assert np.abs(run(network, *inputs) - wanted).max() < 2 / 255


@pytest.mark.parametrize(
    "network",
    [
        lambda: functional((3,), L.LayerNormalization()),
        lambda: functional((3,), L.ReLU(6.0)),
        lambda: functional((3,), L.Dense(2, "selu")),
        lambda: functional((4, 4, 2), L.Conv2D(2, 3, groups=2)),
        lambda: functional((4, 4, 2), L.MaxPooling2D(data_format="channels_first")),
        lambda: functional(
            (4, 4, 2), L.UpSampling2D(interpolation="bicubic"), L.Conv2D(2, 3)
        ),
        lambda: functional((4, 4, 2), L.BatchNormalization(axis=1)),
        lambda: shared(),
    ],
)
def test_what_network_js_does_not_know_is_refused(network, tmp_path):
    with refused("network"):
        pages.generator_page(tmp_path / "page.html", network(), "normal")
    assert not [*tmp_path.iterdir()]


def shared():
    layer, inputs = L.Dense(3), keras.Input((3,))
    return keras.Model(inputs, layer(layer(inputs)))


def test_weights_that_half_floats_do_not_hold_are_refused():
    network = functional((3,), L.Dense(2))
    network.set_weights([np.full((3, 2), 1e6), np.zeros(2)])
    with refused("network"):
        pages.describe(network, pages.Weights())


# -- the page of a generator ---------------------------------------------------------


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    assert cli.main(["page", "--output", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A run of a conditional model, with hostile names, and its page."""
    folder = tmp_path_factory.mktemp("classes")
    keras.utils.set_random_seed(0)
    parts = gan.residual_GenDiscr((8, 8, 3), 4, 2, classes=2)
    real = np.random.default_rng(0).random((8, 8, 8, 3)).astype("f4"), np.arange(8) % 2
    gan.R3GAN(*parts, real, batch_size=8).save(folder / "model.keras")
    names = {
        "recipe": "r3gan",
        "names": ["</script><script>alert(1)</script>", 'ö "quoted"'],
    }
    (folder / "run.json").write_text(json.dumps(names))
    np.save(folder / "real.npy", np.uint8(255 * real[0]))
    path = folder / "page.html"
    title = '<img src=x onerror=alert(1)> & "ö" <!--DATA--> <!--SCRIPT-->'
    arguments = ["page", str(folder), "--title", title, "--judge", "own"]
    arguments += ["--pictures", str(folder / "real.npy"), "--show-nearest"]
    assert cli.main([*arguments, "--output", str(path)]) == 0
    return path, title, names["names"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    slow_but_first("[" * 100_000, "{", '{"names": ["a", "b"]}', "\0", single=True),
)
def test_a_page_does_without_a_record_that_is_none(classes, tmp_path, record):
    shutil.copy(classes[0].with_name("model.keras"), tmp_path)
    (tmp_path / "run.json").write_text(record)
    path = tmp_path / "page.html"
    assert cli.main(["page", str(tmp_path), "--output", str(path)]) == 0


@pytest.mark.parametrize("title", ["\udcff", "a\ud800"])
def test_a_title_that_is_no_text_is_refused(title, tmp_path, capsys):
    output = str(tmp_path / "page.html")
    assert cli.main(["page", "--title", title, "--output", output]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not [*tmp_path.iterdir()]


def face(tab):
    return tab.evaluate("byId('face').toDataURL()")


def settled(tab):
    """Wait until the wall is drawn."""
    wait = "new Promise((d) => { (function w() { drawWall.took ? d(1) :"
    assert tab.evaluate(f"{wait} setTimeout(w, 20); }})(); }})") == 1


def test_the_page_opens_alone_and_small(tab, faces):
    tab.open(faces)
    settled(tab)
    assert tab.errors == [] and tab.requests == [faces.as_uri()]
    assert faces.stat().st_size < 1.2e6
    assert tab.evaluate("document.title") == "This person does not exist"


@pytest.mark.slow
def test_a_seed_is_a_face_on_every_machine(tab, faces):
    tab.open(faces, "#seed=7")
    first = face(tab)
    latents = tab.evaluate("Array.from(latentsOf(7, 16, 'normal'))")
    # These numbers must not change, or a link that was sent shows another face.
    np.testing.assert_allclose(latents[:3], SEVEN, atol=1e-6)
    tab.open(faces, "#seed=8")
    assert face(tab) != first
    tab.open(faces, "#seed=7")
    assert face(tab) == first
    for wrong in ("#seed=x", "#z=1,2", "#move=a&spread=9", "#%%%"):
        tab.open(faces, wrong)
        assert tab.errors == [] and len(face(tab)) > 200


SEVEN = [0.1419704, -0.8642530, -1.0063664]


@pytest.mark.slow
def test_latents_are_drawn_as_the_samplers_do(tab, faces):
    tab.open(faces)
    draw = "Array.from({length: 4000}, (_, i) => Array.from(latentsOf(i, 3, '%s')))"
    for kind, mean, deviation in (
        ("normal", 0, 1),
        ("uniform", 0.5, 12**-0.5),
        ("symmetric", 0, 3**-0.5),
        ("spheric", 0, 3**-0.5),
    ):
        z = np.array(tab.evaluate(draw % kind))
        np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.06)
        np.testing.assert_allclose(z.std(axis=0), deviation, atol=0.05)
        assert np.abs(np.corrcoef(z.T) - np.eye(3)).max() < 0.06


@pytest.mark.slow
def test_every_control_does_what_it_says(tab, faces):
    tab.open(faces)
    settled(tab)
    seen = [face(tab)]

    def changes(expression):
        tab.evaluate(f"void ({expression})")
        seen.append(face(tab))
        assert seen[-1] != seen[-2], expression
        return tab.evaluate("location.hash")

    assert "seed=" in changes("byId('new').click()")
    slide = "byId('{0}').value = {1}, byId('{0}').dispatchEvent(new Event('input'))"
    assert "move=0,2" in changes(slide.format("move1", 2))
    changes("byId('reset').click()")
    assert seen[-1] == seen[-3]
    assert "spread=0.5" in changes(slide.format("spread", 0.5))
    changes(slide.format("spread", 1))
    box = "byId('{}').getBoundingClientRect()"
    click = "byId('{0}').dispatchEvent(new {1}('{2}', {{clientX: {3}.left + {4} * "
    click += "{3}.width, clientY: {3}.top + {5} * {3}.height, buttons: 1}}))"
    wall = click.format("wall", "MouseEvent", "click", box.format("wall"), 0.12, 0.06)
    assert "seed=1022" in changes(wall)
    pad = ("pad", "PointerEvent", "pointerdown", box.format("pad"))
    assert "z=" in changes(click.format(*pad, 0.3, 0.8))
    # A corner of the pad shows the picture that was kept there.
    changes("byId('new').click()")
    kept = seen[-1]
    tab.evaluate("void document.querySelectorAll('#corners button')[0].click()")
    changes(click.format(*pad, 0.5, 0.5))
    changes(click.format(*pad, 0.0, 0.0))
    assert seen[-1] == kept
    before = tab.evaluate("byId('wall').toDataURL()")
    tab.evaluate("void (drawWall.took = 0, byId('others').click())")
    settled(tab)
    assert tab.evaluate("byId('wall').toDataURL()") != before
    tab.evaluate("byId('walk').click(), new Promise((d) => setTimeout(d, 500, 0))")
    changes("byId('walk').click()")
    name, address = tab.evaluate("(({download, href}) => [download, href])(save())")
    assert name.endswith(".png") and address.startswith("data:image/png")
    tab.evaluate("void byId('link').click()")
    assert tab.errors == []


@pytest.mark.slow
def test_keys_do_it_all(tab, faces):
    tab.open(faces)
    settled(tab)
    focused = set()
    for _ in range(40):
        tab.press("Tab")
        focused.add(tab.evaluate("document.activeElement.id"))
    assert {"new", "walk", "save", "link", "spread", "wall", "pad"} <= focused
    first = face(tab)
    tab.press("n")
    assert face(tab) != first
    for place, key in (
        ("wall", "ArrowDown"),
        ("pad", "ArrowRight"),
        ("move0", "ArrowRight"),
    ):
        before = face(tab)
        tab.evaluate(f"byId('{place}').focus()")
        tab.press(key)
        assert face(tab) != before, place
    tab.press("w")
    assert tab.evaluate("byId('walk').ariaPressed") == "true"
    tab.press("w")
    assert tab.evaluate("byId('walk').ariaPressed") == "false"
    assert tab.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("dark", slow_but_first(False, True, single=True))
def test_it_fits_a_phone_in_light_and_dark(tab, faces, dark):
    tab.open(faces, width=360, height=740, dark=dark)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    numbers = [int(part) for part in paper[4:-1].split(",")]
    assert (max(numbers) < 60) is dark and (min(numbers) > 200) is not dark


@pytest.mark.slow
def test_hostile_names_are_text(tab, classes):
    path, title, names = classes
    tab.open(path)
    settled(tab)
    assert tab.errors == [] and len(tab.requests) == 1
    assert tab.evaluate("document.title") == title
    assert tab.evaluate("byId('title').textContent") == title
    options = "Array.from(byId('class').options, (o) => o.text)"
    assert tab.evaluate(options) == names


@pytest.mark.slow
def test_classes_judge_and_nearest(tab, classes):
    path, _, _ = classes
    tab.open(path, "#seed=3")
    first = face(tab)
    tab.evaluate(
        "byId('class').value = 1, byId('class').onchange({target: byId('class')})"
    )
    assert face(tab) != first and "class=%C3%B6%20" in tab.evaluate("location.hash")
    second = face(tab)
    for same in (tab.evaluate("location.hash"), "#seed=3&class=1"):
        tab.open(path, same)
        assert face(tab) == second
    assert "more real than" in tab.evaluate("byId('opinion').textContent")
    found = "Array.from(byId('nearest').getContext('2d').getImageData(0, 0, 8, 8).data)"
    shown = np.array(tab.evaluate(found)).reshape(8, 8, 4)[..., :3]
    made = "Array.from(picturesOf(outputs([latents()], [1])))"
    made = np.array(tab.evaluate(made)).reshape(8, 8, 3)
    real = np.load(path.parent / "real.npy")
    far = ((real / 255 - made) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(shown, real[np.argmin(far)])


@pytest.mark.slow
def test_the_wall_mixes_classes_or_shows_one(tab, classes):
    path, _, names = classes
    tab.open(path)
    settled(tab)
    options = "Array.from(byId('wallclass').options, (o) => o.text)"
    assert tab.evaluate(options) == ["all classes", *names]
    labels = "Array.from({length: 4}, (_, i) => labelAt(i))"
    assert tab.evaluate(labels) == [0, 1, 0, 1]
    assert tab.evaluate("(pick(3), [state.label, byId('class').value])") == [1, "1"]
    chosen = "byId('wallclass').value = 0, byId('wallclass').onchange("
    tab.evaluate(f"void ({chosen}{{target: byId('wallclass')}}))")
    assert tab.evaluate(labels) == [0, 0, 0, 0] and tab.errors == []


@pytest.mark.slow
def test_the_large_picture_is_smooth_unless_pixels_are_asked_for(tab, faces):
    tab.open(faces)
    drawn = "getComputedStyle(byId('face')).imageRendering"
    assert tab.evaluate(drawn) == "auto"
    smooth = tab.evaluate("save().href")
    tab.press("p")
    assert tab.evaluate(drawn) == "pixelated" and tab.evaluate("save().href") != smooth
    tab.open(faces, tab.evaluate("location.hash"))
    assert tab.evaluate(drawn) == "pixelated"


def test_other_pictures_than_faces_are_not_called_a_person(classes, tmp_path):
    run, path = classes[0].parent, tmp_path / "page.html"
    assert cli.main(["page", str(run), "--output", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert "<title>These pictures do not exist</title>" in text
    assert "This person" not in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--output", "page.txt"], "argument output"),
        (["--pictures", "x.npy"], "together with"),
        (["--show-nearest"], "together with"),
        (["none.keras"], "There is nothing at"),
        (["--judge", "none.h5"], "none.h5"),
    ],
)
def test_what_is_refused_writes_nothing(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["page", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


# -- the film of a training ----------------------------------------------------------


def points_model(dim=2, size=2, cls=gan.WGAN_GP, **options):
    keras.utils.set_random_seed(0)
    real = np.random.default_rng(0).normal(size=(200, size)).astype("float32")
    networks = gan.fully_connected_GenDiscr([dim, 8, size], real, bounded=False)
    return cls(*networks, real, batch_size=50, seed=0, **options)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "run.html"
    model = points_model(ema=0.5)
    watching = gan.callbacks.Page(path, frames=3, title="<b>film</b>")
    model.fit(epochs=5, steps_per_epoch=2, verbose=0, callbacks=[watching])
    return path, model


@pytest.mark.slow
def test_the_film_is_the_training(tab, film):
    path, model = film
    tab.open(path)
    assert tab.errors == [] and tab.requests == [path.as_uri()]
    assert tab.evaluate("document.title") == "<b>film</b>"
    assert tab.evaluate("data.runs[0].epochs") == [0, 2, 5]
    z = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    fakes = model.averaged_generator(z).numpy()
    given = f"[Float32Array.from({z.ravel().tolist()})], 20"
    found = f"Array.from(networksAt(data.runs[0], 1).generate({given}))"
    np.testing.assert_allclose(tab.evaluate(found), fakes.ravel(), atol=5e-3)
    fresh = points_model(ema=0.5).averaged_generator(z).numpy()
    found = f"Array.from(networksAt(data.runs[0], 0).generate({given}))"
    np.testing.assert_allclose(tab.evaluate(found), fresh.ravel(), atol=5e-3)
    logs = tab.evaluate("data.runs[0].logs")
    assert logs.keys() == {"discr_loss", "gen_loss", "gp"}
    np.testing.assert_allclose(logs["gp"], model.history.history["gp"])


@pytest.mark.slow
def test_controls_of_the_film(tab, film):
    tab.open(film[0], width=360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    view = "Array.from(document.querySelectorAll('canvas'), (c) => c.toDataURL())"
    seen = [tab.evaluate(view)]
    for name in ("field", "arrows", "folds"):
        tab.evaluate(f"byId('{name}').click()")
        assert tab.evaluate(view)[0] != seen[-1][0], name
        seen.append(tab.evaluate(view))
    tab.evaluate("byId('time').value = 0, byId('time').oninput({target: byId('time')})")
    assert all(a != b for a, b in zip(tab.evaluate(view), seen[-1], strict=True))
    assert tab.evaluate("byId('now').textContent") == "epoch 0.0"
    tab.press("Space")
    tab.evaluate("byId('speed').value = 3, new Promise((d) => setTimeout(d, 600, 0))")
    assert 0 < tab.evaluate("time") < 1 and tab.evaluate("playing") > 0
    tab.press("Space")
    assert tab.evaluate("playing") == 0 and tab.errors == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "dim, size, kind", slow_but_first((1, 1, "normal"), (3, 2, "uniform"))
)
def test_films_of_other_dimensions(tab, tmp_path, dim, size, kind):
    model = points_model(dim, size, gan.WGAN_clip, clip=0.1)
    model.latent_generator = gan.latent.LatentGenerator(dim, kind)
    page = gan.callbacks.Page(tmp_path / "run.html")
    model.fit(epochs=1, steps_per_epoch=1, verbose=0, callbacks=[page])
    tab.open(tmp_path / "run.html")
    weights = np.abs(flat(model.discriminator))
    clipped = 100 * np.mean(weights > 0.999 * weights.max())
    told = tab.evaluate("document.querySelector('section p').textContent")
    assert f"clipped weights {clipped:.0f}%" in told and tab.errors == []


def flat(network):
    return np.concatenate([np.ravel(weight) for weight in network.get_weights()])


@pytest.mark.parametrize(
    "cls", slow_but_first(gan.NonSaturatingGAN, gan.AC_GAN, single=True)
)
def test_films_of_classes(tab, tmp_path, cls):
    """The fakes are of all classes in turn; the field is the mean over them."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    latents, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([latents, layers.Embedding(3, 2)(labels)])
    generator = keras.Model([latents, labels], layers.Dense(2)(x))
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    if cls is gan.AC_GAN:
        ends = layers.Dense(1, "sigmoid")(point), layers.Dense(3, "softmax")(point)
        discriminator = keras.Model(point, [*ends])
    else:
        x = layers.Concatenate()([point, layers.Embedding(3, 2)(label)])
        x = layers.Dense(4, "tanh")(x)
        discriminator = keras.Model([point, label], layers.Dense(1)(x))
    real = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 3
    latents = gan.latent.LatentGenerator(2)
    model = cls(generator, discriminator, latents, real, batch_size=20, seed=0)
    page = gan.callbacks.Page(tmp_path / "run.html")
    model.compile(run_eagerly=True)
    model.fit(epochs=1, steps_per_epoch=1, verbose=0, callbacks=[page])
    tab.open(tmp_path / "run.html")
    tab.evaluate("byId('folds').click()")
    assert tab.errors == []
    z = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    classes = np.arange(20) % 3
    fakes = generator([z, classes]).numpy()
    given = f"[Float32Array.from({z.ravel().tolist()})], 20"
    found = f"Array.from(networksAt(data.runs[0], 1).generate({given}))"
    np.testing.assert_allclose(tab.evaluate(found), fakes.ravel(), atol=5e-3)
    judged = discriminator([z, classes] if cls is not gan.AC_GAN else z)
    judged = keras.tree.flatten(judged)[0].numpy()
    found = f"Array.from(networksAt(data.runs[0], 1).judge({given}))"
    np.testing.assert_allclose(tab.evaluate(found), judged.ravel(), atol=5e-3)


@pytest.mark.slow
def test_three_gans_side_by_side(tab, tmp_path):
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main(["lesson", "circle", "--page", *output]) == 0
    path = tmp_path / "x.html"
    assert path.stat().st_size < 1.5e6 and [*tmp_path.iterdir()] == [path]
    tab.open(path)
    names = "Array.from(document.querySelectorAll('h2'), (h) => h.textContent)"
    assert tab.evaluate(names) == ["Simple_GAN", "WGAN_clip", "WGAN_GP"]
    assert tab.errors == []


@pytest.mark.parametrize("options", [{"path": "x.png"}, {"frames": 1}, {"frames": "9"}])
def test_refusals_of_the_callback(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused(next(iter(options))):
        gan.callbacks.Page(**{"path": "x.html", **options})


def test_pictures_are_no_film(tmp_path):
    model = points_model(2, 3)
    page = gan.callbacks.Page(tmp_path / "run.html")
    with refused("callbacks"):
        model.fit(epochs=1, verbose=0, callbacks=[page])
    assert not [*tmp_path.iterdir()]
