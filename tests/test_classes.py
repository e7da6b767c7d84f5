import numpy as np
import pytest

from gan.errors import InvalidInput
from gan.metrics.classes import Classes, Classifier


@pytest.fixture(scope="module")
def pictures():
    """Pictures of three classes, in each of which another third is bright."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    pictures = 0.2 * rng.random((300, 9, 9, 1)).astype("float32")
    for picture, label in zip(pictures, labels, strict=True):
        picture[3 * label : 3 * label + 3] += 0.7
    return pictures, labels


@pytest.mark.slow
def test_fakes_are_named_by_what_they_show(pictures):
    classifier = Classifier(*pictures)
    assert classifier.accuracy > 0.95
    fakes = pictures[0][:150]
    asked = np.where(np.arange(150) % 3 == 2, 0, np.arange(150) % 3)
    found = classifier.classify(fakes, asked)
    # Class 0 was asked for where pictures show class 2, and class 2 never.
    np.testing.assert_allclose(found.right[:2], [0.5, 1], atol=0.05)
    assert abs(found.entropy - np.log(3)) < 0.01 and "3 of 3" in str(found)
    only = classifier.classify(fakes[asked == 1])
    assert only.right is None and only.entropy < 0.2 and "1 of 3" in str(only)


def test_entropy_of_equal_shares():
    assert Classes(1.0, None, np.full(4, 0.25)).entropy == pytest.approx(np.log(4))


def test_too_few_of_a_class_are_refused(pictures):
    with pytest.raises(InvalidInput) as error:
        Classifier(pictures[0][:8], pictures[1][:8])
    assert error.value.argument == "labels"
    with pytest.raises(InvalidInput) as error:
        Classifier(pictures[0][:, :3], pictures[1])
    assert error.value.argument == "pictures"


@pytest.mark.slow
def test_fakes_are_compared_in_what_the_classifier_sees():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    pictures = np.zeros((400, 8, 8, 1), "float32")
    # Each picture has a horizontal or a vertical bar.
    for picture, label, place in zip(
        pictures, labels, rng.integers(1, 7, 400), strict=True
    ):
        picture[(slice(None), place) if label else place] = 1
    pictures += rng.normal(0, 0.05, pictures.shape).astype("float32")
    classifier = Classifier(pictures, labels)
    assert classifier.features(pictures).shape == (400, 2 * 2 * 64)
    good = classifier.compare(pictures[:200], labels[:200])
    crosses = np.maximum(pictures[0:200:2], pictures[1:200:2])
    bad = classifier.compare(crosses, labels[:100])
    assert good.count == 40 and good.kid_floor == bad.kid_floor
    assert abs(good.kid[0]) < bad.kid[0] and bad.kid[0] > 5 * bad.kid[1]
    assert good.fd < bad.fd and bad.fd > 3 * bad.fd_floor
    said = str(bad)
    assert said.startswith("by the features of the classifier, for sets of 40 pictures")
    assert f"FD {bad.fd / bad.fd_floor:.1f} times that of other reals" in said
