"""Projection: latents of pictures, for any generator, against closed forms."""

import contextlib

import keras
import numpy as np
import pytest
from conftest import refused, slow_but_first
from keras import layers
from PIL import Image

import gan
from gan import cli
from gan.generators.given import given_examples
from gan.generators.trained import TrainedGenerator
from gan.latent import LatentGenerator

SHAPE = (8, 8, 1)


def linear(dim=3, shape=SHAPE, kind="normal", seed=0, **options):
    """A generator whose pictures are linear in the latents, and its matrix."""
    rng = np.random.default_rng(seed)
    latents = keras.Input((dim,))
    dense = layers.Dense(int(np.prod(shape)))
    network = keras.Model(latents, layers.Reshape(shape)(dense(latents)))
    matrix = np.float32(rng.normal(0, 0.05, (dim, int(np.prod(shape)))))
    dense.set_weights([matrix, np.full(matrix.shape[1], 0.5, "float32")])
    sampler = LatentGenerator(dim, kind)
    return TrainedGenerator(network, sampler, (0.0, 1.0), **options), matrix


@pytest.fixture(scope="module")
def generator():
    return linear()[0]


def test_own_pictures_lead_back_to_their_latents(generator):
    latents = generator.latents(6, seed=5)
    found = generator.project(generator.draw(latents))
    assert found.psnr.min() > 40 and found.within_reach.all()
    np.testing.assert_allclose(found.latents, latents, atol=0.05)
    assert found.labels is None and found.pictures.shape == (6, 8, 8)


def test_what_is_out_of_reach_gets_the_nearest_there_is(generator):
    """For a linear generator, this is least squares, except for the prior."""
    _, matrix = linear()
    picture = np.random.default_rng(1).random((1, 8, 8)).astype("float32")
    found = generator.project(picture)
    best = np.linalg.lstsq(matrix.T, picture.ravel() - 0.5, rcond=None)[0]
    drawn = np.clip(0.5 + best @ matrix, 0, 1)
    least = np.sqrt(np.mean((drawn - picture.ravel()) ** 2))
    assert least < found.error[0] < 1.2 * least and not found.within_reach[0]
    assert "out of reach" in str(found)


def test_the_report_by_its_formulas(generator):
    pictures, others = generator.draw(3, seed=1), generator.draw(40, seed=2)
    found = generator.project(pictures, steps=30, restarts=1, among=others)
    error = np.sqrt(((found.pictures - pictures) ** 2).mean((1, 2)))
    np.testing.assert_allclose(found.error, error, rtol=1e-4)
    np.testing.assert_allclose(found.psnr, -20 * np.log10(error), rtol=1e-4)
    apart = np.sqrt(((pictures[:, None] - others) ** 2).mean((2, 3)))
    np.testing.assert_allclose(found.nearest, apart.min(axis=1), rtol=1e-4)
    np.testing.assert_array_equal(found.pictures, generator.draw(found.latents))


@pytest.mark.parametrize("kind", slow_but_first("spheric", "uniform", "symmetric"))
def test_latents_stay_where_the_sampler_draws(kind):
    generator, _ = linear(kind=kind)
    picture = np.random.default_rng(1).random((2, 8, 8)).astype("float32")
    latents = generator.project(picture, steps=60, restarts=2).latents
    low = {"uniform": 0, "symmetric": -1, "spheric": -1}[kind]
    assert latents.min() >= low and latents.max() <= 1
    if kind == "spheric":
        np.testing.assert_allclose(np.linalg.norm(latents, axis=1), 1, rtol=1e-5)


def test_the_class_is_found_or_taken_as_given(three_stripes):
    _, noted = three_stripes
    generator = gan.load_generator(noted("ant", "bee", "cat"))
    pictures = generator.draw(6, ["cat", "ant", "bee"] * 2, seed=3)
    found = generator.project(pictures, steps=60)
    np.testing.assert_array_equal(found.labels, [2, 0, 1] * 2)
    assert found.psnr.min() > 35 and "class cat" in str(found)
    wrong = generator.project(pictures[:1], steps=60, labels="bee")
    assert wrong.labels[0] == 1 and wrong.error[0] > 3 * found.error[0]


@pytest.mark.slow
def test_the_discriminators_features_count(generator):
    """The discriminator's features change the latents that are found."""
    picture = keras.Input(SHAPE)
    hidden = layers.Dense(4)(layers.Flatten()(picture))
    critic = keras.Model(picture, layers.Dense(1)(hidden))
    with_one, _ = linear(discriminator=critic)
    pictures = np.random.default_rng(1).random((2, 8, 8)).astype("float32")
    plain = generator.project(pictures, steps=60).latents
    seen = with_one.project(pictures, steps=60).latents
    assert not np.array_equal(plain, seen)


def test_examples_that_are_no_pictures():
    latents = keras.Input((2,))
    network = keras.Model(latents, layers.Dense(5)(latents))
    generator = TrainedGenerator(network, LatentGenerator(2))
    examples = generator.draw(3, seed=4)
    error = generator.project(examples).error
    assert error.max() < 0.01 * np.abs(examples).max()


@pytest.mark.slow
def test_pictures_in_every_form(generator, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (2, 8, 8), "uint8")
    colour = np.repeat(grey[..., None], 3, axis=3)
    Image.fromarray(grey[0]).save(tmp_path / "one.png")
    np.save(tmp_path / "both.npy", grey)
    forms = grey, np.float32(grey) / np.float32(255), colour, tmp_path / "both.npy"
    found = [generator.project(form, 20, 1).latents for form in forms]
    found.append(
        np.tile(generator.project(tmp_path / "one.png", 20, 1).latents, (2, 1))
    )
    for other in found[1:4]:
        np.testing.assert_allclose(found[0], other, atol=1e-3)
    np.testing.assert_allclose(found[0][0], found[4][0], atol=1e-3)


def test_a_grey_picture_for_a_colour_generator():
    generator, _ = linear(shape=(8, 8, 3))
    grey = np.random.default_rng(0).random((1, 8, 8)).astype("float32")
    found = generator.project(grey, 20, 1)
    assert found.pictures.shape == (1, 8, 8, 3)


def test_what_cannot_be_projected_is_refused(generator, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    floats = np.zeros((1, 8, 8), "float32")
    for wrong in (
        floats[0],
        np.zeros((1, 9, 8), "float32"),
        255 + floats,
        floats + np.nan,
        np.zeros((1, 8, 8), int),
        tmp_path / "text.png",
        tmp_path / "none.png",
        tmp_path,
    ):
        with refused("pictures"):
            generator.project(wrong)
    for name, value in {"steps": 0, "restarts": 0, "seed": -1, "labels": "cat"}.items():
        with refused(name):
            generator.project(floats, **{name: value})
    with refused("among"):
        generator.project(floats, among=np.zeros((3, 4, 4), "float32"))


@pytest.mark.slow
def test_a_bar_is_shown_where_it_is_asked_for(generator, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    generator.project(generator.draw(1), steps=40, verbose=1)
    assert "40/40" in capsys.readouterr().out
    generator.project(generator.draw(1), steps=40, verbose=0)
    assert capsys.readouterr().out == ""


def write_odd(kind, folder):
    """Write an unusual picture; return its path and the colour that is read."""
    path, red = folder / "mein bïld 🙂.png", (1, 0, 0)
    if kind == "big":
        # The picture is blue except for its middle, which is the part that is read.
        picture = Image.new("RGB", (6000, 3000), "blue")
        picture.paste("red", (1500, 0, 4500, 3000))
        picture.save(path, compress_level=1)
    elif kind == "grey":
        Image.new("L", (20, 30), 51).save(path)
        red = (0.2, 0.2, 0.2)
    elif kind == "transparent":
        Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(path)
        red = (1, 1, 1)
    elif kind == "moving":
        path = folder / "moving.gif"
        frames = [Image.new("RGB", (20, 20), name) for name in ("red", "blue")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "one pixel":
        Image.new("RGB", (1, 1), "red").save(path)
    return path, red


@pytest.mark.parametrize(
    "kind", ["big", "grey", "transparent", "moving", "one pixel", "folder"]
)
def test_odd_files_are_read_as_train_reads_them(kind, tmp_path):
    path, wanted = write_odd("one pixel" if kind == "folder" else kind, tmp_path)
    expected = contextlib.nullcontext()
    if kind == "folder":
        (tmp_path / "text.png").write_text("no picture")
        path = tmp_path
        expected = pytest.warns(
            UserWarning, match="picture gives 1 picture.*left out 1"
        )
    with expected:
        found = given_examples((8, 8, 3), picture=path)
    assert found.shape == (1, 8, 8, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=0.01)


@pytest.mark.parametrize("command", ["project", "edit"])
def test_the_commands_refuse_what_holds_no_picture(command, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.iterdir())
    line = [command, "demo"] + (["--towards", "smiling"] if command == "edit" else [])
    ending = "npy" if command == "project" else "png"
    line += ["--output", str(tmp_path / f"x.{ending}"), "--picture"]
    for name, said in {
        "text.png": "cannot be read as a picture",
        "empty.png": "cannot be read as a picture",
        "folder.png": "There is no picture in the folder",
        "none.png": "There is nothing at",
    }.items():
        assert cli.main([*line, str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_command_tells_which_files_are_left_out(three_stripes, tmp_path):
    write_odd("grey", tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    line = ["project", str(three_stripes[1]("ant", "bee", "cat")), "--quiet"]
    line += ["--steps", "1", "--output", str(tmp_path / "found.npy")]
    with pytest.warns(UserWarning, match="picture gives 1 .*left out 1, not read"):
        assert cli.main([*line, "--picture", str(tmp_path)]) == 0


@pytest.mark.slow
def test_the_command_writes_latents_and_a_strip(
    three_stripes, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    real, noted = three_stripes
    run = noted("ant", "bee", "cat")
    picture = gan.load_generator(run).draw(1, "cat", seed=3)[0]
    gan.plots.write_png(picture, "me.png")
    before = (tmp_path / "me.png").read_bytes()
    line = f"project {run} --picture me.png --output me.npy --steps 60"
    assert cli.main(line.split()) == 0
    out = capsys.readouterr().out
    assert "within reach" in out and "class cat" in out
    assert np.load("me.npy").shape == (1, 2)
    assert (tmp_path / "me-projection.png").stat().st_size > 500
    assert (tmp_path / "me.png").read_bytes() == before
    several = str(real(ant=12, cat=12))
    line = ["project", str(run), "--picture", several, "--pictures", several]
    assert cli.main([*line, "--steps", "30", "--quiet"]) == 0
    assert "24 pictures: error" in capsys.readouterr().out
    assert np.load("projected.npy").shape == (24, 2)


def test_the_command_refuses_in_one_line(three_stripes, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    run = three_stripes[1]("ant", "bee", "cat")
    for options, said in {
        "--picture text.png": "cannot be read as a picture",
        "--picture none.png": "There is nothing at",
        "--picture text.png --output me.png": "must end in .npy",
        "--picture text.png --steps 0": "argument steps",
    }.items():
        assert cli.main(["project", str(run), *options.split()]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.png"]
