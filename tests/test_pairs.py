"""Measures that compare pictures with their targets."""

import numpy as np
import pytest
import tensorflow as tf

import gan
from gan.metrics import pairs


def some(count=12, shape=(8, 8, 3), seed=0):
    return np.random.default_rng(seed).uniform(size=(count, *shape))


def test_psnr():
    truth = np.full((2, 4, 4), 0.5)
    made = truth + np.array([0.1, 0.01])[:, None, None]
    np.testing.assert_allclose(pairs.psnr(truth, made), (20 + 40) / 2)
    assert pairs.psnr(truth, truth) == 100
    x, y = some(), some(seed=1)
    wanted = tf.image.psnr(x.astype("float32"), y.astype("float32"), 1.0)
    np.testing.assert_allclose(pairs.psnr(x, y), np.mean(wanted), rtol=1e-5)


def test_psnr_inside_a_mask():
    truth, mask = some(3), np.zeros((3, 8, 8, 1))
    mask[:, 2:4] = 1
    made = np.where(mask == 1, truth + 0.1, 0)
    np.testing.assert_allclose(pairs.psnr(truth, made, mask), 20)
    with pytest.raises(gan.InvalidInput, match="at least one pixel"):
        pairs.psnr(truth, made, 0 * mask)


def test_ssim_is_that_of_tensorflow():
    x, y = some(shape=(32, 32)), some(shape=(32, 32), seed=1)
    two = [a[..., None].astype("float32") for a in (x, y)]
    np.testing.assert_allclose(
        pairs.ssim(x, y), np.mean(tf.image.ssim(*two, 1.0)), 1e-5
    )
    small = [a[:, :8, :8] for a in two]
    wanted = np.mean(tf.image.ssim(*small, 1.0, filter_size=7))
    np.testing.assert_allclose(pairs.ssim(x[:, :8, :8], y[:, :8, :8]), wanted, 1e-5)


def test_the_nearest_target():
    truth = some()
    order = np.arange(12)
    order[:3] = [1, 2, 0]
    assert pairs.top_1(truth, truth + 0.01) == 1
    assert pairs.top_1(truth, truth[order]) == 9 / 12


def test_detail_is_a_share_of_that_of_the_targets():
    truth = some()
    np.testing.assert_allclose(pairs.detail(truth, 0.5 * truth + 0.2), 0.5)
    assert pairs.detail(truth, 0 * truth) == 0


def test_crops_are_squares_side_by_side():
    pictures = some(2, (9, 16, 3))
    cut = pairs.crops(pictures, 4)
    assert cut.shape == (2 * 2 * 4, 4, 4, 3)
    np.testing.assert_array_equal(cut[6], pictures[0, 4:8, 8:12])


@pytest.mark.parametrize("count", [40, 400])
def test_ridge_regression_finds_a_linear_map(count):
    """It uses the kernel for fewer pairs than numbers, and otherwise the moments."""
    rng = np.random.default_rng(0)
    x, weights = some(count, (8, 8)), rng.normal(size=(64, 12)) / 8
    y = (x.reshape(count, -1) @ weights + 1).reshape(count, 2, 6)
    predict = pairs.fit_ridge(x, y)
    if count > 64:
        new = some(5, (8, 8), 7)
        wanted = (new.reshape(5, -1) @ weights + 1).reshape(5, 2, 6)
        np.testing.assert_allclose(predict(new), wanted, atol=1e-2)
    # The map is that of the closed form for one penalty.
    flat, middle = x.reshape(count, -1), y.reshape(count, -1)
    a, b = flat - flat.mean(0), middle - middle.mean(0)
    solve = pairs._solver(np.float32(flat), np.float32(middle))
    found = solve(0.5)(np.float32(flat))
    closed = a @ np.linalg.solve(a.T @ a + 0.5 * np.eye(64), a.T @ b) + middle.mean(0)
    np.testing.assert_allclose(found, closed, atol=1e-3)


def test_trivial_answers():
    inputs, truth = some(30, (4, 4, 1)), some(30, seed=1)
    found = pairs.trivial_answers(inputs, truth, (inputs, truth))
    assert [*found] == ["input", "mean", "linear"]
    np.testing.assert_allclose(found["mean"][3], truth.mean(axis=0), atol=1e-6)
    enlarged = tf.image.resize(np.repeat(inputs, 3, 3), (8, 8), "bicubic")
    np.testing.assert_allclose(found["input"], enlarged, atol=1e-6)
    # Without training pairs, each answer is computed from other pairs.
    crossed = pairs.trivial_answers(inputs, truth)
    wanted = truth[np.arange(30) % 5 != 2].mean(axis=0)
    np.testing.assert_allclose(crossed["mean"][7], wanted, atol=1e-6)
    assert "input" not in pairs.trivial_answers(some(30, (8, 8, 2)), truth)


def test_several_answers_in_one_table():
    truth = some()
    found = pairs.compare_pairs(truth, {"model": truth, "far": truth + 2})
    assert found["model"] == {"psnr": 100, "ssim": 1, "top_1": 1, "detail": 1}
    # What lies outside [0, 1] is clipped.
    white = pairs.psnr(truth, np.ones_like(truth))
    np.testing.assert_allclose(found["far"]["psnr"], white)
    lines = pairs.table(found).splitlines()
    assert len(lines) == 3 and lines[1].split() == [
        "model",
        "100.00",
        "1.000",
        "1.000",
        "1.00",
    ]
