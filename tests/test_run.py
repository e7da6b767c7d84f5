import json

import numpy as np
import pytest

from gan.errors import InvalidInput
from gan.recipes.folder import checksum, fit_in_folder

SETTINGS = {"seed": 0, "data": "abc"}


def test_a_run_goes_on_and_gives_the_whole_history(vectors, tmp_path):
    whole = vectors(seed=1)
    history = fit_in_folder(whole, tmp_path, SETTINGS, 3, 2, verbose=0)
    assert [len(values) for values in history.values()] == [3] * len(whole.log_names)
    again = vectors(seed=1)
    assert fit_in_folder(again, tmp_path, SETTINGS, 3, 2, verbose=0) == history
    for one, other in zip(whole.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    there = json.loads((tmp_path / "run.json").read_text())
    assert there == {**SETTINGS, "epochs": 3, "steps_per_epoch": 2}


def test_another_recipe_is_told_alone_and_all_differences_whole(vectors, tmp_path):
    many = {f"setting_{number}": "x" * 20 for number in range(20)}
    fit_in_folder(vectors(), tmp_path, {"recipe": "a", **many}, 1, 1, verbose=0)
    with pytest.raises(InvalidInput, match=r"Received: recipe='b \(there a\)'$"):
        fit_in_folder(vectors(), tmp_path, {"recipe": "b"}, 1, 1, verbose=0)
    with pytest.raises(InvalidInput) as caught:
        fit_in_folder(vectors(), tmp_path, {"recipe": "a"}, 1, 1, verbose=0)
    for name, value in many.items():
        assert f"{name}='None (there {value})'" in str(caught.value)


def test_other_settings_are_refused_and_a_restart_forgets(vectors, tmp_path):
    fit_in_folder(vectors(seed=1), tmp_path, SETTINGS, 1, 1, verbose=0)
    other = {**SETTINGS, "seed": 3}
    with pytest.raises(InvalidInput, match=r"epochs='2 \(there 1\)', seed='3"):
        fit_in_folder(vectors(seed=3), tmp_path, other, 2, 1, verbose=0)
    history = fit_in_folder(
        vectors(seed=3), tmp_path, other, 2, 1, restart=True, verbose=0
    )
    assert len(history["gen_loss"]) == 2


def test_checkpoints_every_so_many_epochs(vectors, tmp_path):
    fit_in_folder(vectors(), tmp_path, {}, 5, 1, every=2, verbose=0)
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.keras"))
    assert [name[:12] for name in names] == ["epoch-000004", "epoch-000005"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"directory": "none"}, "an existing folder"),
        ({"epochs": 0}, "epochs to be a positive integer"),
        ({"steps_per_epoch": 1.5}, "steps_per_epoch to be a positive integer"),
    ],
)
def test_refusals_write_nothing(tmp_path, change, message):
    arguments = {"directory": ".", "epochs": 1, "steps_per_epoch": 1, **change}
    arguments["directory"] = tmp_path / arguments["directory"]
    with pytest.raises(InvalidInput, match=f"Expected .*{message}"):
        fit_in_folder(None, settings={}, **arguments)
    assert not [*tmp_path.iterdir()]


def test_checksum_tells_numbers_and_their_order():
    one, other = np.arange(4), np.arange(4)[::-1]
    assert checksum(one, other) == checksum(one.copy(), other.copy())
    sums = {checksum(one), checksum(other), checksum(one, other), checksum(other, one)}
    assert len(sums) == 4 and all(len(value) == 16 for value in sums)
