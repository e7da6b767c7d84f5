import os
import pathlib
import random
import struct

import h5py
import keras
import numpy as np
import pytest
from conftest import refused

from gan.errors import InvalidInput
from gan.generate_faces import convolutional_GenDiscr
from gan.saving.weights_file import load_weights, read_picture, save_weights

DATA = pathlib.Path(__file__).parents[2] / "shared" / "data"
KERNEL = "dense/g/dense/kernel:0"
needs_course = pytest.mark.skipif(
    not (DATA / "seed_generator.h5").exists(), reason="the course's files are not here"
)


def network(name="g", units=4, seed=0):
    """Dense, BatchNormalization, Dense with random numbers in every weight."""
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(units, name="dense"),
        keras.layers.BatchNormalization(name="bn"),
        keras.layers.Activation("tanh", name="tanh"),
        keras.layers.Dense(2, name="last"),
    ]
    built = keras.Sequential(layers, name=name)
    rng = np.random.default_rng(seed)
    built.set_weights([rng.uniform(0.5, 1, w.shape) for w in built.get_weights()])
    return built


def same(left, right):
    return all(map(np.array_equal, left, right))


@pytest.fixture
def saved(tmp_path):
    """A network and its file with a picture."""
    g = network()
    path = tmp_path / "generator.h5"
    save_weights(g, path, (np.full((4, 4), 0.25), np.full((4, 4), 2.0)))
    return g, path


def unusable(path, reason, other=None):
    """Expect that a file is refused, and that both networks keep their weights."""
    first, second = network(seed=1), other or network(seed=2)
    good = path.parent / "first.h5"
    save_weights(network(seed=3), good)
    before = first.get_weights() + second.get_weights()
    with pytest.raises(InvalidInput, match=reason) as caught:
        load_weights((first, good), (second, path))
    assert same(before, first.get_weights() + second.get_weights())
    assert caught.value.argument == "path" and str(path) in str(caught.value)


# What works


def test_round_trip_is_exact(saved):
    g, path = saved
    other = network(seed=9)
    assert not same(other.get_weights(), g.get_weights())
    load_weights((other, path))
    assert same(other.get_weights(), g.get_weights())


def test_keras_reads_our_files(saved):
    g, path = saved
    other = network(seed=9)
    other.load_weights(path)
    assert same(other.get_weights(), g.get_weights())


def test_frozen_and_nested_layers(tmp_path):
    def nested(seed):
        net = keras.Sequential([keras.Input((3,)), network("inner", seed=seed)])
        net.layers[0].layers[1].trainable = False
        return net

    left, right = nested(1), nested(2)
    save_weights(left, tmp_path / "n.h5")
    load_weights((right, tmp_path / "n.h5"))
    assert same(left.get_weights(), right.get_weights())
    right = nested(3)
    right.load_weights(tmp_path / "n.h5")
    assert same(left.get_weights(), right.get_weights())


def test_whole_legacy_model_is_accepted(tmp_path):
    g, other = network(), network(seed=5)
    keras.src.legacy.saving.legacy_h5_format.save_model_to_hdf5(g, tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "model_weights" in file
    load_weights((other, tmp_path / "m.h5"))
    assert same(other.get_weights(), g.get_weights())
    assert read_picture(tmp_path / "m.h5") is None


def test_float64_and_other_names_are_cast(tmp_path):
    g, other = network(), network(seed=5)
    path = tmp_path / "double.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a", "idle", "b", "c"]
        file.create_group("idle").attrs["weight_names"] = []
        for name, layer in zip("abc", [x for x in g.layers if x.weights], strict=True):
            names = [f"w{i}" for i in range(len(layer.weights))]
            file.create_group(name).attrs["weight_names"] = names
            for n, w in zip(names, layer.get_weights(), strict=True):
                file[name][n] = w.astype("float64")
    load_weights((other, path))
    assert same(other.get_weights(), g.get_weights())
    assert {w.dtype for w in other.weights} == {"float32"}


@needs_course
def test_course_files_equal_raw_h5py():
    networks = convolutional_GenDiscr()
    paths = [DATA / f"seed_{net.name}.h5" for net in networks]
    load_weights(*zip(networks, paths, strict=True))
    for net, path in zip(networks, paths, strict=True):
        with h5py.File(path) as file:
            raw = [
                file[layer][name][()]
                for layer in file.attrs["layer_names"]
                for name in file[layer].attrs["weight_names"]
            ]
        assert len(raw) == len(net.weights) > 9
        assert same(raw, net.get_weights())
        assert read_picture(path) is None


@needs_course
def test_swapped_course_files_are_refused_and_change_nothing():
    generator, discriminator = convolutional_GenDiscr()
    before = generator.get_weights() + discriminator.get_weights()
    with refused("path"):
        load_weights(
            (discriminator, DATA / "seed_discriminator.h5"),
            (generator, DATA / "seed_discriminator.h5"),
        )
    assert same(before, generator.get_weights() + discriminator.get_weights())


def test_picture_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    mean, multiplier = rng.uniform(size=(2, 16, 16))
    save_weights(network(), tmp_path / "p.h5", (mean, multiplier.astype("float32")))
    found = read_picture(str(tmp_path / "p.h5"))
    assert np.array_equal(found[0], mean)
    assert np.array_equal(found[1], multiplier.astype("float32"))
    assert {array.dtype for array in found} == {np.dtype("float64")}
    save_weights(network(), tmp_path / "p.h5")
    assert read_picture(tmp_path / "p.h5") is None


def test_equal_weights_give_equal_bytes(saved):
    g, path = saved
    again, other = path.with_name("again.h5"), path.with_name("other.h5")
    save_weights(g, again, read_picture(path))
    save_weights(network(seed=1), other, read_picture(path))
    assert again.read_bytes() == path.read_bytes() != other.read_bytes()


# What save_weights refuses


@pytest.mark.parametrize(
    "picture",
    [
        (np.ones(3), np.ones(4)),
        (np.ones(3), np.array([1, np.nan, 1])),
        (np.ones(3), np.array(["a"] * 3)),
        (np.ones(3),),
        np.ones((2, 3)),
    ],
)
def test_bad_pictures_are_not_written(saved, picture):
    g, path = saved
    before = path.read_bytes()
    with refused("picture"):
        save_weights(g, path, picture)
    assert path.read_bytes() == before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_written(saved, bad):
    g, path = saved
    before = path.read_bytes()
    g.layers[1].moving_mean.assign([0, bad, 0, 0])
    with refused("network"):
        save_weights(g, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("path", ["x.txt", "x.weights.h5", "x", 3, None])
def test_paths_that_keras_would_read_as_another_layout(tmp_path, path):
    with refused("path"):
        save_weights(network(), tmp_path / path if isinstance(path, str) else path)
    assert os.listdir(tmp_path) == []


def test_a_name_longer_than_files_have():
    with refused("path"):
        load_weights((network(), "x" * 5000 + ".h5"))


def test_networks_that_do_not_fit_the_layout(tmp_path):
    class Loose(keras.Model):
        def __init__(self):
            super().__init__()
            self.loose = self.add_weight(shape=(1,), name="loose")
            self.built = True

    with refused("network"):
        save_weights(Loose(), tmp_path / "x.h5")
    with refused("network"):
        save_weights(keras.Sequential([keras.layers.Dense(2)]), tmp_path / "x.h5")
    with refused("path"):
        save_weights(network(), tmp_path / "no" / "x.h5")
    wide = keras.layers.Dense(1, name="x" * 66_000)
    with refused("network"):
        save_weights(keras.Sequential([keras.Input((1,)), wide]), tmp_path / "x.h5")
    assert os.listdir(tmp_path) == []


# What load_weights refuses


@pytest.mark.parametrize("pair", ["ab", (1, 2, 3), None])
def test_arguments_that_are_not_pairs(pair):
    with refused("pairs"):
        load_weights(pair)


def test_paths_and_networks_of_other_types(saved):
    with refused("path"):
        load_weights((saved[0], 3))
    with refused("network"):
        load_weights((3, saved[1]))


def test_paths_that_are_no_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "device.h5").symlink_to("/dev/zero")
    for name in ("missing.h5", "", "pipe.h5", "device.h5"):
        path = tmp_path / name
        unusable(path, "no file of weights")
        with refused("path"):
            read_picture(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"not HDF5 at all" * 99, "signature not found"),
    ],
)
def test_files_that_are_not_hdf5(tmp_path, content, reason):
    (tmp_path / "x.h5").write_bytes(content)
    unusable(tmp_path / "x.h5", reason)


def test_sparse_giant_is_refused_unread(tmp_path):
    with open(tmp_path / "x.h5", "wb") as file:
        file.truncate(2**40)
    unusable(tmp_path / "x.h5", "1 GiB")


@pytest.mark.parametrize("part", [0.01, 0.5, 0.9, 0.999])
def test_truncated(saved, part):
    _, path = saved
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    unusable(path, "cannot be used")


def test_keras_3_content_under_a_legacy_name(tmp_path):
    network().save_weights(tmp_path / "x.weights.h5")
    (tmp_path / "x.weights.h5").rename(tmp_path / "x.h5")
    unusable(tmp_path / "x.h5", "layout")


def test_other_networks(saved):
    _, path = saved
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)], name="small")
    unusable(path, "3 layers with weights, 'small' has 1", small)
    unusable(path, r"\(3, 4\) instead of \(3, 5\)", network("wide", units=5))
    bare = [keras.Input((3,)), *(keras.layers.Dense(4) for _ in range(3))]
    unusable(path, "4 weights, 'bare' has 2", keras.Sequential(bare, name="bare"))


def replace(file, data, **how):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=data, **how)


def external(file):
    outside = pathlib.Path(file.filename).with_name("outside")
    outside.write_bytes(bytes(48))
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 4), "f4", external=[(str(outside), 0, 48)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 4), "f4")
    pipe = str(pathlib.Path(file.filename).with_name("pipe"))
    os.mkfifo(pipe)
    layout[:] = h5py.VirtualSource(pipe, "x", (3, 4))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def soft_link(file):
    file.move(KERNEL, "kernel")
    file[KERNEL] = h5py.SoftLink("/kernel")


def external_link(file):
    os.mkfifo(pathlib.Path(file.filename).with_name("pipe"))
    del file["dense"]
    file["dense"] = h5py.ExternalLink("pipe", "/")


def external_model(file):
    del file.attrs["layer_names"]
    file["model_weights"] = h5py.ExternalLink("first.h5", "/")


def external_picture(file):
    del file["gan_picture"]
    file["gan_picture"] = h5py.ExternalLink("first.h5", "/")


def giant(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**20, 2**20, 2**20), "f4", chunks=(1, 1, 1))


def giant_contiguous(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**30, 2**20), "f4")


def never_written(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 4), "f4")


def picture_value(file):
    file["gan_picture/mean_face"][0, 0] = 7


def giant_picture(file):
    del file["gan_picture/mean_face"]
    file.create_dataset("gan_picture/mean_face", (2**30, 2**20), "f8")


def loop_of_groups(file):
    file["dense/loop"] = file["dense"]
    names = ["/".join(["loop"] * 9_000 + ["g/dense/kernel:0"]), "g/dense/bias:0"]
    file["dense"].attrs["weight_names"] = np.array(names, dtype=h5py.string_dtype())
    file["dense"].attrs["weight_names"] = [names[0] * 2, names[1]]


def many_names(file):
    file.attrs["layer_names"] = np.array([b"a"] * 5_000)


def set_names(*names):
    def change(file):
        file["dense"].attrs["weight_names"] = names

    return change


def value(number):
    def change(file):
        file[KERNEL][1, 1] = number

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (value(np.float32(0.7)), "gan_weights_sha256"),
        (picture_value, "gan_picture_sha256"),
        (lambda f: f.__delitem__("gan_picture"), "gan_picture_sha256"),
        (lambda f: f.__delitem__(KERNEL), "exist"),
        (lambda f: f.__delitem__("last"), "exist"),
        (lambda f: f["dense"].attrs.clear(), "weight_names"),
        (lambda f: f.attrs.__delitem__("layer_names"), "layout"),
        (lambda f: replace(f, np.ones((4, 3))), r"\(4, 3\) instead of \(3, 4\)"),
        (lambda f: replace(f, np.full((3, 4), b"x")), "S1, not numbers"),
        (lambda f: replace(f, np.ones((3, 4), bool)), "bool, not numbers"),
        (lambda f: replace(f, np.ones((3, 4), "c8")), "complex64, not numbers"),
        (lambda f: replace(f, [["x"] * 4] * 3), "object, not numbers"),
        (lambda f: replace(f, h5py.Empty("f4")), "shape None"),
        (
            lambda f: replace(f, np.ones((3, 4)), chunks=(3, 4), compression="gzip"),
            "not contiguous",
        ),
        (giant, "shape"),
        (giant_contiguous, "shape"),
        (giant_picture, "missing"),
        (never_written, "missing"),
        (external, "not contiguous"),
        (virtual, "not contiguous"),
        (soft_link, "is a link"),
        (external_link, "is a link"),
        (external_model, "is a link"),
        (external_picture, "is a link"),
        (set_names("g/dense/kernel:0"), "1 weights, 'g' has 2"),
        (set_names("g/dense", "g/dense/bias:0"), "no attribute"),
        (set_names("", "g/dense/bias:0"), "cannot be used"),
        (set_names("..", "."), "cannot be used"),
        (set_names(1, 2), "weight_names"),
        (
            lambda f: f.attrs.__setitem__("layer_names", "dense"),
            "lists of names",
        ),
        (loop_of_groups, "weight_names"),
        (many_names, "layer_names"),
    ],
)
def test_changed_file_is_refused(saved, change, reason):
    _, path = saved
    with h5py.File(path, "r+") as file:
        change(file)
    unusable(path, reason)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_not_finite_in_files_without_checksums(saved, bad):
    _, path = saved
    with h5py.File(path, "r+") as file:
        del file.attrs["gan_weights_sha256"]
        kernel = np.ones((3, 4))
        kernel[1, 1] = bad
        replace(file, kernel)
    unusable(path, "kernel:0 holds numbers that are not finite")


def test_read_picture_refuses_what_it_cannot_use(saved):
    _, path = saved
    with h5py.File(path, "r+") as file:
        file["gan_picture/multiplier"][0, 0] = np.nan
    with refused("path"):
        read_picture(path)


def strings_file(g, path):
    """Like `save_weights`, but names of variable length, as in the course's files."""
    save_weights(g, path.with_name("fixed.h5"))
    with h5py.File(path.with_name("fixed.h5")) as source, h5py.File(path, "w") as file:
        decoded = [name.decode() for name in source.attrs["layer_names"]]
        file.attrs["layer_names"] = decoded
        file.attrs["gan_weights_sha256"] = source.attrs["gan_weights_sha256"]
        for layer in decoded:
            names = [name.decode() for name in source[layer].attrs["weight_names"]]
            file.create_group(layer).attrs["weight_names"] = names
            for name in names:
                file[layer][name] = source[layer][name][()]


def test_damaged_strings_of_variable_length(tmp_path):
    path = tmp_path / "strings.h5"
    g, other = network(), network(seed=1)
    strings_file(g, path)
    load_weights((other, path))
    assert same(other.get_weights(), g.get_weights())
    data = path.read_bytes()
    heap = data.index(b"GCOL")
    reference = data.index(struct.pack("<Q", heap), data.index(b"layer_names\0")) - 4
    for at, damage, reason in [
        # HDF5 itself would allocate 4 GiB for the first, and never end at the last.
        (reference, b"\xff\xff\xff\xff", "damaged"),
        (reference + 4, b"\xff\xff", "unpack"),
        (reference + 12, b"\xff\xff", "damaged"),
        (heap + 24, bytes(8), "damaged"),
        (heap + 16, bytes(16), "damaged"),
    ]:
        path.write_bytes(data[:at] + damage + data[at + len(damage) :])
        unusable(path, reason)


def mutated(data, rng):
    data = bytearray(data)
    at = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at : at + 16] = rng.randbytes(16)
    elif kind == 2:
        data[at : at + 8] = rng.choice([b"\xff", b"\0"]) * 8
    elif kind == 3:
        del data[at : at + 8]
    else:
        del data[at:]
    return bytes(data)


@pytest.mark.slow
def test_mutations_are_refused_or_harmless(saved):
    """Each file is read as it was written, or refused."""
    g, path = saved
    strings = path.with_name("strings.h5")
    strings_file(g, strings)
    rng = random.Random(0)
    outcomes = []
    for original, number in [(path.read_bytes(), 150), (strings.read_bytes(), 150)]:
        for _ in range(number):
            other = network(seed=9)
            before = other.get_weights()
            path.write_bytes(mutated(original, rng))
            try:
                load_weights((other, path))
                outcomes.append(same(other.get_weights(), g.get_weights()))
            except InvalidInput:
                outcomes.append("refused")
                assert same(other.get_weights(), before)
    assert set(outcomes) == {True, "refused"}
    assert outcomes.count("refused") > 60
