"""Named directions: they are found, measured, made orthogonal, saved and used."""

import keras
import numpy as np
import pytest
from conftest import refused
from keras import layers
from test_project import linear

import gan
from gan import cli
from gan.generators.axes import strongest
from gan.generators.scores import fit_score
from gan.generators.trained import TrainedGenerator
from gan.latent import LatentGenerator


@pytest.fixture
def generator():
    return linear()[0]


def mean(pictures):
    return pictures.reshape(len(pictures), -1).mean(axis=1)


def test_brightness_by_its_function(generator):
    """In a linear generator, the direction of brightness is the mean of each row."""
    _, matrix = linear()
    one = generator.directions.named("bright", score=mean)
    wanted = matrix.mean(axis=1)
    cosine = one.latents @ wanted / np.linalg.norm(one.latents) / np.linalg.norm(wanted)
    assert cosine > 0.999 and one.classes is None and one.accuracy is None
    latents = generator.latents(200, seed=9)
    moved = mean(generator.edit(latents, "bright")) - mean(generator.draw(latents))
    spread = mean(generator.draw(generator.latents(5000))).std()
    # The length is the least multiple of 0.25 that moves by a standard deviation.
    step = 0.25 * np.linalg.norm(wanted) / np.linalg.norm(one.latents)
    assert (
        spread <= moved.mean() + 1e-4 <= spread + 0.25 * np.linalg.norm(wanted) + 1e-3
    )
    assert step > 0


def test_a_direction_of_two_sets_of_pictures(generator):
    pictures = generator.draw(400, seed=3)
    has = mean(pictures) > np.median(mean(pictures))
    one = generator.directions.named("light", pictures[has], pictures[~has])
    again = generator.directions.named("the same", pictures, labels=has)
    np.testing.assert_allclose(one.latents, again.latents, atol=0.05)
    assert one.accuracy > 0.9 and 0.5 <= one.turned < 0.8
    truth = generator.directions.named("truth", score=lambda x: mean(x) > 0.5)
    assert one.latents @ truth.latents > 0.9 * np.linalg.norm(
        one.latents
    ) * np.linalg.norm(truth.latents)
    assert "light" in str(one) and "light" in repr(generator.directions)


def test_a_class_is_turned_by_its_weights(three_stripes):
    real, noted = three_stripes
    generator = gan.load_generator(noted("ant", "bee", "cat"))
    sets = real(cat=40), real(ant=40)
    one = generator.directions.named("cat", *sets, count=600)
    assert abs(one.classes.sum()) < 1e-4 and one.classes.argmax() == 2
    latents = generator.latents(5)
    plain = generator.draw(latents, "ant")
    edited = generator.edit(latents, "cat", 2, "ant")
    stripes = [slice(0, 32), slice(32, 64), slice(64, 96)]
    before, after = (
        np.array([x.reshape(5, -1)[:, s].mean() for s in stripes])
        for x in (plain, edited)
    )
    assert before.argmax() == 0 and after[2] > before[2] + 0.2 and after[0] < before[0]


def test_weights_of_one_class_are_that_class(three_stripes):
    generator = gan.load_generator(three_stripes[1]("ant", "bee", "cat"))
    latents, labels = generator.latents(4), np.array([2, 0, 1, 1])
    drawn = generator.draw_mixed(latents, np.eye(3, dtype="float32")[labels])
    np.testing.assert_allclose(drawn, generator.draw(latents, labels), atol=1e-6)
    half = generator.draw_mixed(latents, np.full((4, 3), 1 / 3))
    each = [generator.draw(latents, label) for label in range(3)]
    # This generator adds the class, so equal weights give the mean picture.
    np.testing.assert_allclose(half, np.mean(each, axis=0), atol=1e-5)
    with refused("weights"):
        generator.draw_mixed(latents, np.ones((4, 2)))
    with refused("weights"):
        linear()[0].draw_mixed(np.zeros((1, 3)), np.ones((1, 1)))


def test_orthogonal_to_others_and_as_long(generator):
    directions = generator.directions
    directions.named("bright", score=mean)
    directions.named("left", score=lambda x: mean(x[:, :, :4]))
    directions.unnamed(1)
    one = directions.apart("bright", ["left", "bright"])
    assert abs(one.latents @ directions["left"].latents) < 1e-5
    lengths = [np.linalg.norm(x.latents) for x in (one, directions["bright"])]
    np.testing.assert_allclose(*lengths, rtol=1e-5)
    latents = generator.latents(3)
    kept = generator.edit(latents, "bright", 1.5, keep=["left"])
    np.testing.assert_allclose(kept, generator.edit(latents, one, 1.5), atol=1e-6)
    with refused("others"):
        directions.unnamed(3)
        directions.apart("bright", [f"direction {i}" for i in (1, 2, 3)])


def test_unnamed_ones_in_closed_form_or_by_principal_components(generator):
    _, matrix = linear()
    found = generator.directions.unnamed(2)
    axes = np.linalg.svd(matrix)[0].T
    spread = generator.latents(1000).std()
    for one, axis in zip(found, axes, strict=False):
        np.testing.assert_allclose(abs(one.latents @ axis), spread, rtol=1e-3)
    np.testing.assert_array_equal(strongest(generator.network, 3, 2), axes[:2])
    seen = generator.directions.unnamed(2, "pca")
    # The first component of a linear generator's pictures is its strongest direction.
    assert abs(seen[0].latents @ axes[0]) > 0.95 * spread
    assert len(generator.directions) == 2


@pytest.mark.slow
def test_without_a_dense_layer_there_are_principal_components():
    latents = keras.Input((3,))
    x = layers.Reshape((1, 1, 3))(latents)
    x = layers.Conv2DTranspose(1, 8)(x)
    generator = TrainedGenerator(keras.Model(latents, x), LatentGenerator(3), (0, 1))
    assert len(generator.directions.unnamed(2)) == 2
    with refused("method"):
        generator.directions.unnamed(2, "sefa")


def test_kept_beside_the_model_and_only_for_its_weights(tmp_path, vectors):
    real = np.random.default_rng(0).random((40, 2), "float32")
    model = vectors(real=real)
    model.save(tmp_path / "model.keras")
    generator = gan.load_generator(tmp_path / "model.keras")
    with refused("path"):
        generator.directions.save()
    one = generator.directions.named("first", score=lambda x: x[:, 0], count=200)
    path = generator.directions.save()
    assert path == tmp_path / "model-directions.npz"
    again = gan.load_generator(tmp_path / "model.keras").directions
    np.testing.assert_array_equal(again["first"].latents, one.latents)
    assert again["first"].turned is None and list(again) == ["first"]
    model.fit(epochs=1, steps_per_epoch=1, verbose=0)
    model.save(tmp_path / "model.keras")
    told = []
    other = gan.load_generator(tmp_path / "model.keras", told.append)
    assert not other.directions and "other weights" in told[0]
    with refused("path"):
        other.directions.load(path)
    for damage in (b"no file", path.read_bytes()[:200]):
        path.write_bytes(damage)
        with refused("path"):
            generator.directions.load(path)


@pytest.mark.parametrize("scale", [1, 1e-4])
def test_a_score_looks_at_what_is_visible(scale):
    """A trace of .001 tells the kinds apart exactly; a spot does so only mostly."""
    rng = np.random.default_rng(0)
    labels = rng.random(400) > 0.5
    pictures = np.full((400, 8, 8), 0.5, np.float32)
    pictures[:, 4:] = rng.random((400, 1, 1))
    spot = np.where(labels, 0.65, 0.35) + 0.1 * rng.normal(size=400)
    pictures[:, 2, 3], pictures[:, 6, 6] = spot, 0.5 + 0.001 * np.where(labels, 1, -1)
    score = fit_score(scale * pictures, labels, lambda x: x.reshape(len(x), -1))
    traced, spotted = np.full((2, 1, 8, 8), 0.5, np.float32)
    traced[0, 6, 6], spotted[0, 2, 3] = 0.501, 0.65
    empty = score(scale * np.full((1, 8, 8), 0.5, np.float32))
    trace, spot = (score(scale * some) - empty for some in (traced, spotted))
    assert abs(trace) < 0.01 < 0.05 < spot
    assert 0.85 < score.accuracy < 1


def test_scores_learn_what_can_be_learnt_and_say_how_well():
    rng = np.random.default_rng(0)
    pictures = rng.random((60, 4, 4)).astype("float32")
    labels = pictures[:, 0, 0] > 0.5
    good = fit_score(pictures, labels, lambda x: x.reshape(len(x), -1))
    assert good.accuracy >= 0.75 and good.sorts
    assert np.mean((good(pictures) > 0) == labels) > 0.9
    many = rng.random((2000, 4, 4)).astype("float32")
    chance = fit_score(many, rng.random(2000) > 0.5, lambda x: x.reshape(len(x), -1))
    assert 0.4 < chance.accuracy < 0.6
    with refused("with_"):
        fit_score(pictures, np.arange(60) < 2, lambda x: x.reshape(len(x), -1))


def test_what_is_no_direction_is_refused(generator):
    directions, pictures = generator.directions, generator.draw(20)
    for argument, options in {
        "name": {"name": ""},
        "with_": {},
        "without": {"with_": pictures},
        "labels": {"with_": pictures, "labels": np.ones(20, bool)},
        "score": {"with_": pictures, "score": mean},
        "count": {"score": mean, "count": 3},
    }.items():
        with refused(argument):
            directions.named(**{"name": "x", **options})
    with refused("name"):
        directions.named("nothing", score=lambda x: np.ones(len(x)))
    with refused("towards"):
        generator.edit(generator.latents(1), "smiling")
    assert not directions


@pytest.mark.slow
def test_the_command_edits_and_keeps_the_direction(
    three_stripes, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    real, noted = three_stripes
    run = noted("ant", "bee", "cat")
    gan.plots.write_png(gan.load_generator(run).draw(1, "ant")[0], "me.png")
    line = f"edit {run} --picture me.png --steps 30 --towards"
    with_ = ["catty", "--with", str(real(cat=40)), "--without", str(real(ant=40))]
    kept = run / "model-directions.npz"
    try:
        assert cli.main([*line.split(), *with_]) == 0
        assert kept.exists() and (tmp_path / "edit.png").stat().st_size > 500
        assert (
            "from now on --towards does not need the pictures"
            in capsys.readouterr().out
        )
        more = ["catty", "--amount", "-1", "--keep", "brightness", "--output", "b.png"]
        assert cli.main([*line.split(), *more]) == 0
    finally:
        kept.unlink(missing_ok=True)
    for towards in ("brightness", "2"):
        assert cli.main([*line.split(), towards, "--quiet"]) == 0
    capsys.readouterr()
    for wrong, said in {
        "smiling": "must be one of brightness, contrast, or the number of a direction",
        "catty --with x": "Give --with together with --without",
        "1 --amount 1e9": "argument amount",
    }.items():
        assert cli.main([*line.split(), *wrong.split()]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
