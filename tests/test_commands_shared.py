import numpy as np
import pytest

from gan._validation import InvalidInput
from gan.commands import _shared


def test_weights_are_there():
    assert (_shared.WEIGHTS / "generator.h5").is_file()
    assert (_shared.WEIGHTS / "discriminator.h5").is_file()


def test_parts_lose_nothing_and_bound_the_size():
    rows = np.arange(2500)
    found = _shared.parts(rows)
    assert [len(part) for part in found] == [1000, 1000, 500]
    np.testing.assert_array_equal(np.concatenate(found), rows)


def test_generate_takes_the_latents_in_order():
    latents = np.arange(24.0).reshape(12, 2)
    np.testing.assert_array_equal(_shared.generate(np.negative, latents), -latents)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_keras_cannot_take_is_refused(seed):
    _shared.expect_seed(2**32 - 1)
    with pytest.raises(InvalidInput, match="^Expected seed from 0 to 4294967295"):
        _shared.expect_seed(seed)


@pytest.mark.parametrize("screen", [True, False])
def test_progress_tells_only_a_terminal_and_only_after_seconds(
    screen, monkeypatch, capsys
):
    monkeypatch.setattr(_shared.time, "monotonic", iter(range(100)).__next__)
    monkeypatch.setattr(_shared.sys.stderr, "isatty", lambda: screen)
    assert [*_shared.progress("abcd")] == [*"abcd"]
    told = "\r2 of 4\r3 of 4\r4 of 4\n" if screen else ""
    assert capsys.readouterr() == ("", told)
