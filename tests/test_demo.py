"""The demo set and its generator, which come with the library."""

import numpy as np
import pytest
from conftest import refused

import gan
from gan import cli
from gan.data import pixel_faces
from gan.data.pictures import read_pictures

PARTS = {"train": 9000, "test": 1000, "sad": 1000, "happy": 1000}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_set(part):
    faces = pixel_faces(part)
    assert faces.pictures.shape == (PARTS[part], 16, 16, 3)
    assert faces.pictures.dtype == np.uint8 and len(faces.names) == 8
    assert all(len(some) == PARTS[part] for some in faces.attributes.values())
    for name, word in {
        "smiling": "happy",
        "long hair": "long",
        "glasses": "glasses",
    }.items():
        named = np.array([word in one.split() for one in faces.names])[faces.labels]
        np.testing.assert_array_equal(named, faces.having(name))


def test_pairs_differ_in_the_mouth_alone_and_are_in_no_other_part():
    sad, happy = pixel_faces("sad").pictures, pixel_faces("happy").pictures
    differ = (sad != happy).any(axis=3)
    box = np.zeros((16, 16), bool)
    box[9:11, 6:10] = True
    assert differ[:, box].any(axis=1).all() and not differ[:, ~box].any()
    known = {one.tobytes() for one in pixel_faces().pictures}
    for some in (pixel_faces("test").pictures, sad, happy):
        assert not known & {one.tobytes() for one in some}


def test_demo_is_a_path_unless_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read, faces = read_pictures("demo"), pixel_faces()
    np.testing.assert_array_equal(read.pictures, faces.pictures)
    np.testing.assert_array_equal(read.labels, faces.labels)
    assert read.names == faces.names
    small = read_pictures("demo", (8, 8), colour=False, labelled=False)
    assert small.pictures.shape == (9000, 8, 8, 1) and small.labels is None
    (tmp_path / "demo").mkdir()
    with refused("path"):
        read_pictures("demo")


def test_other_parts_and_attributes_are_refused():
    with refused("part"):
        pixel_faces("all")
    with refused("name"):
        pixel_faces("test").having("wings")


@pytest.fixture(scope="module")
def demo():
    return gan.load_generator("demo")


def test_the_generator_draws_what_is_asked_for(demo):
    """Glasses are dark around the eyes, long hair is beside the neck."""
    assert demo.names == pixel_faces("test").names and demo.shape == (16, 16, 3)
    latents = demo.latents(100, seed=1)
    bare, glasses = (
        demo.draw(latents, name)[:, 5:8, 4:12].mean((1, 2, 3))
        for name in ("happy short", "happy short glasses")
    )
    assert np.mean(glasses < bare) > 0.9


def test_its_directions_come_with_it(demo):
    assert {"smiling", "glasses", "long hair", "hat"} <= {*demo.directions}
    latents = demo.latents(20, seed=2)
    plain = demo.draw(latents, "sad short")
    edited = demo.edit(latents, "smiling", 2, "sad short")
    change = np.abs(edited - plain).mean(axis=(0, 3))
    box = np.zeros((16, 16), bool)
    box[9:11, 6:10] = True
    assert change[box].mean() > 2 * change[~box].mean()


@pytest.mark.slow
def test_own_pictures_are_found_again(demo):
    found = demo.project(demo.draw(3, seed=7).clip(0, 1))
    assert np.median(found.psnr) > 35


@pytest.mark.slow
def test_train_takes_the_demo_set_by_its_word(tmp_path, capsys):
    run = str(tmp_path / "run")
    line = ["train", "--pictures", "demo", "--output", run, "--epochs", "1"]
    assert cli.main([*line, "--steps", "2", "--quiet"]) == 0
    assert "9000 pictures, 16x16 colour, 8 classes" in capsys.readouterr().out
    trained, shipped = gan.load_generator(run), gan.load_generator("demo")
    assert trained.names == shipped.names
    assert trained.network.count_params() == shipped.network.count_params()
