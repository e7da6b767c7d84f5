import itertools
import random
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first
from scipy import stats

import gan
from gan.data.pictures import Pictures
from gan.latent import Stream, distinct_numbers, next_seed
from gan.lessons import cloud, guide, theory
from gan.metrics.classes import Classifier
from gan.recipes import (
    faces,
    gaussian,
    lfw,
    mnist_acgan,
    mnist_dcgan,
    mnist_dense,
    r3gan,
)


def draws(rows, size, count, seed=0):
    stream = Stream(seed)
    draw = tf.function(lambda: distinct_numbers(rows, size, stream.next_seed()))
    return np.array([draw() for _ in range(count)])


@pytest.mark.parametrize("rows", [5, 31, 79, 80, 1000, 10**9])
def test_rows_are_distinct_and_in_range(rows):
    for sample in draws(rows, 5, 20):
        assert len(set(sample)) == 5
        assert sample.min() >= 0 and sample.max() < rows


@pytest.mark.parametrize("rows, size", slow_but_first((6, 2), (33, 2)))
def test_every_ordered_pair_is_equally_likely(rows, size):
    """Both the shuffle of few rows and the rejection among many are unbiased."""
    pairs = list(itertools.permutations(range(rows), size))
    number = {pair: i for i, pair in enumerate(pairs)}
    count = 6 * len(pairs)
    seen = np.bincount(
        [number[tuple(map(int, p))] for p in draws(rows, size, count)],
        minlength=len(pairs),
    )
    assert stats.chisquare(seen).pvalue > 1e-3


def test_equal_seeds_give_equal_streams_and_the_stream_moves():
    np.testing.assert_array_equal(draws(100, 3, 4, seed=7), draws(100, 3, 4, seed=7))
    first, second = draws(1000, 5, 2)
    assert set(first) != set(second)


def test_outside_a_model_the_seed_follows_tensorflow():
    seeds = []
    for _ in range(2):
        tf.random.set_seed(3)
        seeds.append(next_seed().numpy())
    np.testing.assert_array_equal(*seeds)
    assert (next_seed().numpy() != seeds[0]).any()


def test_inside_feeds_the_seed_comes_from_the_stream():
    stream, twin = Stream(5), Stream(5)
    with stream.sampling():
        inside = next_seed()
    np.testing.assert_array_equal(inside, twin.next_seed())


def test_anew_draws_the_same_each_time_and_leaves_no_trace():
    stream, twin = Stream(5), Stream(5)
    draw = tf.function(stream.next_seed)
    for _ in range(2):
        draw(), twin.next_seed()
        with stream.restarted(3):
            np.testing.assert_array_equal(draw(), Stream(3).next_seed())
    with pytest.raises(RuntimeError), stream.restarted(3):
        raise RuntimeError
    np.testing.assert_array_equal(draw(), twin.next_seed())


def test_anew_makes_no_variable(monkeypatch):
    """Keras never frees 35 KB of a variable, and callbacks draw in each epoch."""
    stream, wanted = Stream(5), Stream(2**62 + 1).next_seed()

    def refuse(*args, **options):
        raise AssertionError("a variable was made")

    monkeypatch.setattr(keras.random.SeedGenerator, "__init__", refuse)
    with stream.restarted(2**62 + 1):
        np.testing.assert_array_equal(stream.next_seed(), wanted)


COURSE = faces.RECIPES["course"]
RECIPES = (mnist_acgan, mnist_dcgan, mnist_dense)
TENS = np.arange(50, dtype=np.int32) % 10


@pytest.mark.slow
def test_what_a_library_function_seeds_leaves_the_users_random_states(
    random_digits, monkeypatch
):
    # Training is left out: it draws only from the model's stream, and takes long.
    done = types.SimpleNamespace(history={})
    fit = lambda model, **options: setattr(model, "history", done)  # noqa: E731
    monkeypatch.setattr(gan.AdversarialModel, "fit", fit)
    digits = random_digits(256)
    noise = np.random.default_rng(0).random((200, 36, 36, 3), "float32")
    calls = {
        "mnist": lambda: [one.RECIPE.make_model(digits, 0) for one in RECIPES],
        "r3gan": lambda: r3gan.GREY.make_model(digits, 0),
        "lfw": lambda: lfw.RECIPE.make_model(Pictures(np.uint8(noise)), 0),
        "gaussian": lambda: gaussian.make_model("minimax", noise[0].reshape(-1, 1), 0),
        "faces": lambda: faces.make_model(noise[:, :16, :16, 0], COURSE, 0),
        "classes": lambda: Classifier(digits.floats()[:50, :4, :4, None], TENS, 0),
        "report": lambda: cloud.compare_classes(1, 1, 0, tell=str),
        "theory": lambda: theory.train_against_fixed(1, 0),
        "guide": lambda: guide.train_on_circle(
            (guide.HEALTHY["Simple_GAN"][0], {"epochs": 1}), 0
        ),
    }
    for name, call in calls.items():
        keras.utils.set_random_seed(11)
        users_draws()
        undisturbed = users_draws()
        keras.utils.set_random_seed(11)
        users_draws()
        call()
        assert users_draws() == undisturbed, name


def users_draws():
    """A number from each random state of the process."""
    kept = tf.random.uniform((), seed=4), keras.random.uniform(())
    drawn = random.random(), np.random.random(), tf.random.uniform(()), *kept
    return [float(number) for number in drawn]


@pytest.mark.slow
def test_equal_seeds_give_equal_results_whatever_was_drawn_before(random_digits):
    found, pictures = [], random_digits(200).floats()[:, :4, :4, None]
    for before in (1, 2):
        keras.utils.set_random_seed(before)
        model = gaussian.make_model("minimax", pictures[:, 0, 0], 3)
        shares = Classifier(pictures[:50], TENS, 3).classify(pictures).shares
        found.append((model.stream.state, *model.generator.get_weights(), shares))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
