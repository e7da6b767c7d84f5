import decimal
import fractions

import numpy as np
import pytest

from gan.errors import (
    InvalidInput,
    expect,
    expect_number,
    expect_positive_int,
)

NAN, INF = float("nan"), float("inf")


def message(function, *args, **named):
    with pytest.raises(InvalidInput) as caught:
        function(*args, **named)
    return str(caught.value)


def test_refusals_are_value_errors():
    with pytest.raises(ValueError, match="^Expected more. Received: n=3$"):
        expect(False, "more", n=3)


def test_one_line_whatever_is_in_it():
    text = message(expect, False, "a file at a\n  b", reason=np.eye(2))
    assert text.startswith("Expected a file at a b. Received: reason=array(")
    assert "\n" not in text


def test_the_format():
    assert message(expect, False, "X", name=[1]) == "Expected X. Received: name=[1]"
    text = message(expect, False, "a < b", a=2.5, b="one")
    assert text == "Expected a < b. Received: a=2.5, b='one'"
    assert message(expect, None, "a file", path=None).endswith("Received: path=None")


def test_nothing_happens_when_the_condition_holds():
    assert expect(True, "X", name=1) is None
    assert expect(np.True_, "X", name=1) is None
    assert expect([0], "X", name=1) is None


@pytest.mark.parametrize(
    "value", ["x" * 100_000, list(range(100_000)), {"k": "v" * 1000}, np.zeros(10**6)]
)
def test_messages_stay_short(value):
    assert len(message(expect, False, "X", name=value)) < 300


def test_paths_and_shapes_are_shown_whole():
    path = "/home/somebody/" + "folder/" * 20 + "faces.npy"
    assert repr(path) in message(expect, False, "a file", path=path)
    shape = (10000, 16, 16, 1)
    assert message(expect, False, "X", shape=shape).endswith("shape=(10000, 16, 16, 1)")


def test_a_value_that_cannot_be_shown_is_still_refused_by_name():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "Received: thing=<Broken" in message(expect, False, "X", thing=Broken())


@pytest.mark.parametrize("value", [1, 7, 10**30, np.int64(3), np.uint8(1)])
def test_positive_ints(value):
    assert expect_positive_int(size=value) is None


@pytest.mark.parametrize(
    "value, shown",
    [
        (0, "0"),
        (-3, "-3"),
        (1.0, "1.0"),
        (NAN, "nan"),
        (True, "True"),
        (np.True_, "np.True_"),
        (np.float32(2), "np.float32(2.0)"),
        (np.int64(0), "np.int64(0)"),
        ("2", "'2'"),
        (None, "None"),
        ([3], "[3]"),
        (np.array([3]), "array([3])"),
    ],
)
def test_what_is_no_positive_int(value, shown):
    text = message(expect_positive_int, size=value)
    assert text == f"Expected size to be a positive integer. Received: size={shown}"


@pytest.mark.parametrize("check", [expect_positive_int, expect_number])
def test_every_name_is_checked_and_only_the_bad_one_named(check):
    assert check(a=1, b=2) is None
    text = message(check, a=1, b="two", c=3)
    assert text.startswith("Expected b to be a ") and text.endswith("Received: b='two'")


@pytest.mark.parametrize(
    "value",
    [0, -2.5, 1e308, 10**400, np.float32(1), np.int8(-1), fractions.Fraction(1, 3)],
)
def test_numbers(value):
    assert expect_number(x=value) is None


@pytest.mark.parametrize(
    "value, shown",
    [
        (NAN, "nan"),
        (INF, "inf"),
        (-INF, "-inf"),
        (np.float64("nan"), "np.float64(nan)"),
        (np.float32("inf"), "np.float32(inf)"),
        (True, "True"),
        (np.False_, "np.False_"),
        (1j, "1j"),
        ("1", "'1'"),
        (None, "None"),
        (np.ones(1), "array([1.])"),
        (decimal.Decimal(1), "Decimal('1')"),
    ],
)
def test_what_is_no_finite_number(value, shown):
    text = message(expect_number, x=value)
    expected = "Expected x to be a finite number in [-inf, inf]. Received: x="
    assert text == expected + shown


@pytest.mark.parametrize(
    "low, high, good, bad, span",
    [
        (0, None, [0, 5], [-1e-300, -1], "[0, inf]"),
        (None, 1.5, [1.5, -9], [1.6, 2], "[-inf, 1.5]"),
        (0, 1, [0, 0.5, 1, np.float32(1)], [-0.1, 1.1, NAN], "[0, 1]"),
    ],
)
def test_bounds_belong_to_the_span(low, high, good, bad, span):
    for value in good:
        assert expect_number(low, high, x=value) is None
    for value in bad:
        text = message(expect_number, low, high, x=value)
        expected = f"Expected x to be a finite number in {span}. Received: x={value}"
        assert text == expected
