"""A folder of pictures is read once."""

import json
import os
import shutil
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

import gan
from gan.data.examples import as_examples
from gan.data.kept import KeptFile, as_tensor
from gan.data.pictures import read_pictures
from gan.errors import InvalidInput
from gan.recipes import r3gan
from gan.recipes.record import PICTURES
from gan.recipes.run import Run, train_recipe

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    """Two classes of colour pictures, and two files that are left out."""
    for name, count in (("cats", 9), ("dogs", 7)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(count):
            values = RNG.integers(0, 256, (9, 12, 3), "uint8")
            Image.fromarray(values).save(tmp_path / "pets" / name / f"{number}.png")
    (tmp_path / "pets" / "dogs" / "notes.txt").write_text("not a picture")
    (tmp_path / "pets" / "cats" / "8.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    return tmp_path / "pets"


def equal(one, other):
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert one.pictures.dtype == other.pictures.dtype
    assert type(one.pictures) is type(other.pictures) is np.ndarray
    if one.labels is None:
        assert other.labels is None
    else:
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.labels.dtype == other.labels.dtype
    assert one.names == other.names and one.cropped == other.cropped
    assert one.left_out == other.left_out


@pytest.fixture
def no_reading(monkeypatch):
    """A function after whose call every attempt to open a picture fails."""

    def forbid():
        monkeypatch.setattr("gan.data.folders.opened", None)
        monkeypatch.setattr("gan.data.picture_files.opened", None)

    return forbid


@pytest.mark.parametrize("options", [{}, {"colour": False}, {"labelled": False}])
def test_a_folder_is_read_once(folder, tmp_path, no_reading, options):
    kept = KeptFile(tmp_path / "a.npz")
    plain = read_pictures(folder, (8, 8), **options)
    first = read_pictures(folder, (8, 8), kept=kept, **options)
    equal(plain, first)
    assert plain.said == first.said and not kept.path.exists()
    assert first.keep(kept)
    no_reading()
    again = read_pictures(folder, (8, 8), kept=kept, **options)
    equal(plain, again)
    assert again.said == f"{plain.said}; as kept in {kept.path}"
    assert not again.keep(kept)


def test_pictures_with_captions_are_read_once(folder, tmp_path, no_reading):
    lines = [f"cats/{i}.png\ta cat number {i}" for i in range(8)]
    words = tmp_path / "words.txt"
    words.write_text("\n".join(lines))
    for path in folder.glob("dogs/*.png"):
        path.unlink()
    kept = KeptFile(tmp_path / "a.npz")
    options = {"size": (8, 8), "captions": words}
    plain = read_pictures(folder, **options)
    assert plain.captions == [line.split("\t")[1] for line in lines]
    assert read_pictures(folder, kept=kept, **options).keep(kept)
    words.write_text("\n".join(lines[1:]))
    fewer = read_pictures(folder, kept=kept, **options)
    assert fewer.origin == "read again, because the captions have changed"
    assert fewer.captions == plain.captions[1:] and fewer.keep(kept)
    np.testing.assert_array_equal(fewer.pictures, plain.pictures[1:])
    no_reading()
    again = read_pictures(folder, kept=kept, **options)
    equal(fewer, again)
    assert again.captions == fewer.captions and again.origin == kept.origin
    assert "without a caption" in again.said


def test_grey_pictures_are_kept_grey(folder, tmp_path):
    for path in folder.glob("*/[0-7].png"):
        Image.open(path).convert("L").save(path)
    kept = KeptFile(tmp_path / "a.npz")
    first = read_pictures(folder, (8, 8), kept=kept)
    equal(first, read_pictures(folder, (8, 8)))
    first.keep(kept)
    again = read_pictures(folder, (8, 8), kept=kept)
    equal(first, again)
    assert again.pictures.shape[3] == 1 and again.origin


def test_a_folder_that_was_moved_need_not_be_read(folder, tmp_path, no_reading):
    kept = KeptFile(tmp_path / "a.npz")
    read_pictures(folder, (8, 8), kept=kept).keep(kept)
    moved = tmp_path / "elsewhere"
    os.rename(folder, moved)
    expected = read_pictures(moved, (8, 8))
    no_reading()
    equal(expected, read_pictures(moved, (8, 8), kept=kept))


def replace(folder):
    path = folder / "dogs" / "1.png"
    times = os.stat(path)
    Image.fromarray(np.full((9, 12, 3), 7, "uint8")).save(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))


def swap(folder):
    os.rename(folder / "dogs" / "1.png", folder / "dogs" / "10.png")


CHANGES = {
    "added": lambda folder: shutil.copy(folder / "dogs/1.png", folder / "dogs/a.png"),
    "deleted": lambda folder: (folder / "dogs" / "1.png").unlink(),
    "replaced": replace,
    "renamed": swap,
    "class renamed": lambda folder: os.rename(folder / "dogs", folder / "dags"),
    "folder added": lambda folder: (folder / "empty").mkdir(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_folder_that_changed_is_read_anew(folder, tmp_path, name):
    kept = KeptFile(tmp_path / "a.npz")
    read_pictures(folder, (8, 8), kept=kept).keep(kept)
    CHANGES[name](folder)
    again = read_pictures(folder, (8, 8), kept=kept)
    equal(read_pictures(folder, (8, 8)), again)
    assert again.origin == "read again, because the folder has changed"
    assert again.keep(kept)
    assert read_pictures(folder, (8, 8), kept=kept).origin == kept.origin


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((8, 4), {}),
        (None, {}),
        ((8, 8), {"colour": False}),
        ((8, 8), {"labelled": False}),
        ((8, 8), {"keep": 0.5}),
    ],
)
def test_other_arguments_are_read_anew(folder, tmp_path, size, options):
    kept = KeptFile(tmp_path / "a.npz")
    read_pictures(folder, (8, 8), kept=kept).keep(kept)
    again = read_pictures(folder, size, kept=kept, **options)
    equal(read_pictures(folder, size, **options), again)
    assert again.origin == "read again, because size, colours or classes have changed"


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def compress(path):
    with np.load(path) as arrays:
        x, y = arrays["x"], arrays["y"]
        about = arrays["about.json"]
    np.savez_compressed(path, x=x, y=y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("about.json", about)


def tell(change):
    def damage(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        about = json.loads(members["about.json"])
        change(about, members)
        members["about.json"] = json.dumps(about).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    return damage


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)),
    "half": lambda path: path.write_bytes(path.read_bytes()[: 2**11]),
    "a bit": flip,
    "compressed": compress,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "no pictures": tell(lambda about, members: members.pop("x.npy")),
    "fewer classes": tell(
        lambda about, members: members.update({"y.npy": members["x.npy"]})
    ),
    "nothing said": tell(lambda about, members: about.pop("reading")),
    "sizes": tell(lambda about, members: about["reading"].update(size=3)),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_not_used(folder, tmp_path, name):
    kept = KeptFile(tmp_path / "a.npz")
    first = read_pictures(folder, (8, 8), kept=kept)
    first.keep(kept)
    DAMAGES[name](kept.path)
    again = read_pictures(folder, (8, 8), kept=kept)
    equal(first, again)
    assert again.origin == f"read again, because {kept.path} is damaged"
    if name != "a folder":
        assert again.keep(kept)
        assert read_pictures(folder, (8, 8), kept=kept).origin == kept.origin
    else:
        assert not again.keep(kept)


def test_a_file_of_another_form_is_not_used(folder, tmp_path):
    kept = KeptFile(tmp_path / "a.npz")
    read_pictures(folder, (8, 8), kept=kept).keep(kept)
    tell(lambda about, members: about.update(form=0))(kept.path)
    again = read_pictures(folder, (8, 8), kept=kept)
    assert (
        again.origin
        == "read again, because another version of this library wrote the kept pictures"
    )


def test_what_is_kept_is_a_file_of_pictures_like_any_other(folder, tmp_path):
    kept = KeptFile(tmp_path / "a.npz")
    first = read_pictures(folder, (8, 8), kept=kept)
    first.keep(kept)
    as_file = read_pictures(kept.path)
    np.testing.assert_array_equal(first.pictures, as_file.pictures)
    np.testing.assert_array_equal(first.labels, as_file.labels)
    assert as_file.names == first.names


def test_kept_pictures_take_no_memory_of_their_own(folder, tmp_path):
    kept = KeptFile(tmp_path / "a.npz")
    first = read_pictures(folder, (8, 8), kept=kept)
    first.keep(kept)
    again = read_pictures(folder, (8, 8), kept=kept)
    for data in (first, again, read_pictures(folder, (8, 8))):
        examples = as_examples((data.pictures, data.labels), (8, 8, 3), 4, 2)
        tensor, _ = examples.tensors
        np.testing.assert_array_equal(tensor, data.pictures)
        alias = np.shares_memory(np.asarray(tensor), data.pictures)
        assert alias == (data.reading is not None)
        # The fingerprint is that of an array in memory, so earlier runs can resume.
        assert (
            examples.fingerprint()
            == as_examples(
                (np.array(data.pictures), data.labels), (8, 8, 3), 4, 2
            ).fingerprint()
        )
        # Arrays that are computed from them are ordinary arrays in memory.
        assert type(data.floats()) is type(data.pictures[1:]) is np.ndarray


def test_what_is_set_apart_is_mapped_as_well(folder, tmp_path):
    kept = KeptFile(tmp_path / "a.npz")
    plain = read_pictures(folder, (8, 8))
    first = read_pictures(folder, (8, 8), kept=kept)
    first.keep(kept)
    again = read_pictures(folder, (8, 8), kept=kept)
    for data in (first, again):
        for one, other in zip(plain.split(4), data.split(4), strict=True):
            np.testing.assert_array_equal(one.pictures, other.pictures)
            np.testing.assert_array_equal(one.labels, other.labels)
            tensor = as_tensor(other.pictures)
            np.testing.assert_array_equal(tensor, one.pictures)
            assert np.shares_memory(np.asarray(tensor), other.pictures)


def test_on_another_device_pictures_are_copied(folder, tmp_path, monkeypatch):
    import tensorflow as tf

    kept = KeptFile(tmp_path / "a.npz")
    data = read_pictures(folder, (8, 8), kept=kept)
    devices = [types.SimpleNamespace(device_type=kind) for kind in ("CPU", "GPU")]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind=None: devices)
    tensor = as_tensor(data.pictures)
    np.testing.assert_array_equal(tensor, data.pictures)
    assert not np.shares_memory(np.asarray(tensor), data.pictures)
    # A slice that is not aligned as TensorFlow needs it is copied as well.
    monkeypatch.undo()
    for start in (0, 1):
        tensor = as_tensor(data.pictures[start:, :, 1:])
        np.testing.assert_array_equal(tensor, data.pictures[start:, :, 1:])


def test_a_full_disk_costs_memory_and_nothing_else(folder, tmp_path, monkeypatch):
    kept = KeptFile(tmp_path / "none" / "a.npz")
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    data = read_pictures(folder, (8, 8), kept=kept)
    equal(data, read_pictures(folder, (8, 8)))
    assert not data.keep(kept) and not kept.path.parent.exists()


def train(folder, output, **options):
    options = {"epochs": 1, "steps": 1, "verbose": 0, "size": (8, 8), **options}
    return train_recipe("r3gan", output, folder, **options)


@pytest.fixture
def quick(monkeypatch):
    """The recipe with networks that train in a moment."""
    import keras
    from keras import layers

    def make_networks(data):
        shape = data.pictures.shape[1:]
        dense = layers.Dense(int(np.prod(shape)), "sigmoid")
        generator = keras.Sequential(
            [keras.Input((3,)), dense, layers.Reshape(shape)], name="generator"
        )
        discriminator = keras.Sequential(
            [keras.Input(shape), layers.Flatten(), layers.Dense(1)],
            name="discriminator",
        )
        return generator, discriminator, gan.latent.LatentGenerator(3)

    for name in ("GREY", "COLOUR"):
        import dataclasses

        recipe = getattr(r3gan, name)
        options = {"class_names": None}
        recipe = dataclasses.replace(recipe, networks=make_networks, options=options)
        monkeypatch.setattr(r3gan, name, recipe)


def test_a_run_reads_its_folder_once(folder, tmp_path, quick, capsys, monkeypatch):
    run = tmp_path / "run"
    options = {"labelled": False}
    paths = train(folder, run, **options)
    file = run / PICTURES
    assert file not in paths and file.is_file()
    assert f"The pictures are stored in {file} for" in capsys.readouterr().out
    record = json.loads((run / "run.json").read_text())
    assert PICTURES in record["files"]
    assert not [*run.glob(".gan-*")]
    written = file.stat()
    with monkeypatch.context() as patch:
        patch.setattr("gan.data.folders.opened", None)
        train(folder, run, **options)
    out = capsys.readouterr().out
    assert f"; as kept in {file}" in out and "are stored" not in out
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    # Other data are refused as before; a restart stores the new pictures.
    replace(folder)
    with pytest.raises(InvalidInput, match="data is"):
        train(folder, run, **options)
    out = capsys.readouterr().out
    assert "read again, because the folder has changed" in out
    train(folder, run, restart=True, **options)
    out = capsys.readouterr().out
    assert "read again" not in out and "are stored" in out
    with np.load(file) as arrays:
        np.testing.assert_array_equal(
            arrays["x"], read_pictures(folder, (8, 8), labelled=False).pictures
        )


def test_the_weights_are_those_of_pictures_in_memory(
    folder, tmp_path, quick, monkeypatch
):
    def weights(name):
        train(folder, tmp_path / name, epochs=2, labelled=False)
        return gan.load_model(tmp_path / name / "model.keras").weights

    mapped = weights("mapped")
    monkeypatch.setattr(Run, "kept", None)
    for one, other in zip(mapped, weights("memory"), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "memory" / PICTURES).exists()


def test_a_restart_deletes_it_and_a_users_own_file_is_refused(folder, tmp_path, quick):
    run = tmp_path / "run"
    train(folder, run, labelled=False)
    np.savez(tmp_path / "a.npz", x=RNG.integers(0, 256, (9, 8, 8, 3), "uint8"))
    train(tmp_path / "a.npz", run, restart=True)
    assert not (run / PICTURES).exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / PICTURES).write_text("the user's")
    with pytest.raises(InvalidInput, match="which no run has written") as error:
        train(folder, tmp_path / "mine", labelled=False)
    assert error.value.argument == "output"
    assert (tmp_path / "mine" / PICTURES).read_text() == "the user's"
