import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gan.latent import Stream, distinct_rows, next_seed


def draws(rows, size, count, seed=0):
    stream = Stream(seed)
    draw = tf.function(lambda: distinct_rows(rows, size, stream.next_seed()))
    return np.array([draw() for _ in range(count)])


@pytest.mark.parametrize("rows", [5, 31, 79, 80, 1000, 10**9])
def test_rows_are_distinct_and_in_range(rows):
    for sample in draws(rows, 5, 20):
        assert len(set(sample)) == 5
        assert sample.min() >= 0 and sample.max() < rows


@pytest.mark.parametrize("rows, size", [(6, 2), (33, 2)])
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
    with stream.feeds():
        inside = next_seed()
    np.testing.assert_array_equal(inside, twin.next_seed())


def test_anew_draws_the_same_each_time_and_leaves_no_trace():
    stream, twin = Stream(5), Stream(5)
    draw = tf.function(stream.next_seed)
    for _ in range(2):
        draw(), twin.next_seed()
        with stream.anew(3):
            np.testing.assert_array_equal(draw(), Stream(3).next_seed())
    with pytest.raises(RuntimeError), stream.anew(3):
        raise RuntimeError
    np.testing.assert_array_equal(draw(), twin.next_seed())
