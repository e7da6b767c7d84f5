import numpy as np
import pytest

import gan
from gan.cli import shared
from gan.errors import InvalidInput
from gan.saving.weights_file import save_weights


def test_weights_are_there():
    assert (shared.WEIGHTS / "generator.h5").is_file()
    assert (shared.WEIGHTS / "discriminator.h5").is_file()


@pytest.mark.parametrize("screen, verbose", [(True, 1), (False, 2)])
def test_a_progress_bar_is_for_terminals(screen, verbose, monkeypatch, capsys):
    monkeypatch.setattr(shared.sys.stdout, "isatty", lambda: screen)
    assert shared.verbose() == verbose


def test_parts_lose_nothing_and_bound_the_size():
    seen = []

    def network(part):
        seen.append(len(part))
        return -part

    array = np.arange(5000).reshape(2500, 2)
    np.testing.assert_array_equal(shared.in_parts(network, array), -array)
    assert seen == [1000, 1000, 500]


def test_a_mean_face_of_another_size_is_told_with_its_file(tmp_path):
    generator, _ = gan.convolutional_GenDiscr()
    path = str(tmp_path / "g.h5")
    save_weights(generator, path, (np.zeros((8, 8)), np.ones((8, 8))))
    said = r"a mean face of shape \(16, 16\) in .*g\.h5. Received: shape=\(8, 8\)"
    with pytest.raises(InvalidInput, match=said):
        shared.Generator(path, 0)
