"""Files that damage or malice has changed are refused, or read correctly.

Every mutation follows from its kind and number alone, so that a report is enough to
repeat it: `Target(kind, folder).run(number)`.
"""

import collections
import hashlib
import io
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import struct
import threading
import time
import traceback
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest

import gan
from gan.errors import InvalidInput
from gan.faces import load_pictures
from gan.saving import model_file as saving
from gan.saving.weights_file import load_weights, read_picture, save_weights

KINDS = ["course", "h5", "npy", "keras"]
# GAN_MUTATIONS=2000 tries more mutations, and takes minutes.
COUNT, WORKERS, SECONDS = int(os.environ.get("GAN_MUTATIONS", 400)), 2, 10


# -- damage ---------------------------------------------------------------------


def h5_structure(data):
    """Offsets of an HDF5 file's structure: all but its arrays."""
    inside = set()

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            start = item.id.get_offset()
            inside.update(range(start, start + item.nbytes))

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(note)
    return [offset for offset in range(len(data)) if offset not in inside]


def zip_structure(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        spans = [range(archive.start_dir, len(data))]
        for member in archive.infolist():
            start = member.header_offset
            spans.append(range(start, start + 30 + len(member.filename)))
    return [offset for span in spans for offset in span]


NUMBERS = [0, 1, 2, 255, 2**15, 2**16 - 1, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1]


def damage(chance, data, structure):
    """Flip bits, cut, swap blocks, write extreme numbers, insert, delete."""
    data = bytearray(data)

    def place():
        if structure and chance.random() < 0.7:
            return chance.choice(structure)
        return chance.randrange(len(data))

    def length():
        return min(chance.choice([1, 4, 16, 64, 512, 4096]), len(data) // 2)

    how = chance.choice(["flip", "flip", "flips", "cut", "swap", "number", "number"])
    how = chance.choice([how, how, how, "fill", "insert", "delete"])
    if how in ("flip", "flips"):
        for _ in range(1 if how == "flip" else chance.randint(2, 30)):
            data[place()] ^= 1 << chance.randrange(8)
    elif how == "number":
        form = chance.choice("BHIQ")
        limit = 2 ** (8 * struct.calcsize(form)) - 1
        number = struct.pack("<" + form, min(chance.choice(NUMBERS), limit))
        at = place()
        data[at : at + len(number)] = number[: len(data) - at]
    elif how == "cut":
        del data[chance.choice([place(), chance.randrange(len(data))]) :]
    elif how == "swap":
        size = length()
        a, b = sorted(chance.randrange(len(data) - size + 1) for _ in range(2))
        if b - a >= size:
            data[a : a + size], data[b : b + size] = (
                data[b : b + size],
                data[a : a + size],
            )
    elif how == "insert":
        at = place()
        data[at:at] = chance.randbytes(length())
    else:
        at, size = place(), length()
        data[at : at + size] = b"" if how == "delete" else bytes(len(data[at:][:size]))
    return bytes(data), how


# -- forgery: checksums that are right over contents that are wrong --------------

REFUSE = ("delete", "NaN", "shape", "text")


def forge(chance, data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    notes = json.loads(content.pop("gan.json"))
    how = chance.choice(["config", "config", "array", "array", "damage", "members"])
    options = {}
    if how == "config":
        config = json.loads(content["config.json"])
        forge_json(chance, config)
        content["config.json"] = json.dumps(config).encode()
    elif how == "array":
        how, content["model.weights.h5"] = forge_array(
            chance, content["model.weights.h5"]
        )
    elif how == "damage":
        name = chance.choice(sorted(content))
        structure = name.endswith(".h5") and h5_structure(content[name])
        content[name], _ = damage(chance, content[name], structure)
    else:
        how = chance.choice(["more", "fewer", "packed", "sums", "notes"])
        if how == "more":
            content[chance.choice(["x", "../x", "/x", "a/b", "model.weights.h5 "])] = (
                b""
            )
        elif how == "fewer":
            del content[chance.choice(sorted(content))]
        elif how == "packed":
            options = {"compression": chance.choice([8, 12, 14])}
    sums = {name: hashlib.sha256(part).hexdigest() for name, part in content.items()}
    notes["sha256"] = {} if how == "sums" else sums
    notes["notes"] = [] if how == "notes" else {}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, part in {**content, "gan.json": json.dumps(notes)}.items():
            archive.writestr(name, part)
    return file.getvalue(), f"forged {how}"


def forge_json(chance, tree):
    """Change one value, or take one away, anywhere in a config."""
    places = []

    def walk(node):
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            places.append((node, key))
            if isinstance(value, (dict, list)):
                walk(value)

    walk(tree)
    node, key = chance.choice(places)
    values = [None, True, -1, 0, 3, 10**6, 2.5, 1e308, "", "x", [], {}, [2, 3]]
    values += ["gan.base", "os", "system", "keras.layers", "Lambda", "Dense", "relu"]
    if chance.random() < 0.2:
        del node[key]
    else:
        node[key] = chance.choice(values)


def forge_array(chance, data):
    file = io.BytesIO(data)
    with h5py.File(file, "r+") as h5:
        names = []
        h5.visititems(
            lambda name, item: names.append(name) if hasattr(item, "dtype") else None
        )
        name = chance.choice(names)
        old = h5[name][()]
        how = chance.choice(["delete", "NaN", "shape", "text", "number", "group"])
        # Whole numbers have no NaN.
        how = "shape" if how == "NaN" and old.dtype.kind != "f" else how
        if how == "group":
            del h5[chance.choice(sorted({n.rsplit("/", 2)[0] for n in names}))]
            return how, file.getvalue()
        del h5[name]
        if how == "NaN":
            h5[name] = np.full_like(old, chance.choice([np.nan, np.inf]))
        elif how == "shape":
            h5[name] = np.zeros((*old.shape, 2), old.dtype)
        elif how == "text":
            h5[name] = np.full(old.shape, b"text")
        elif how == "number":
            h5[name] = (old + 1).astype(chance.choice(["f4", "f8", "i8", "u1"]))
    return how, file.getvalue()


# -- what is read ---------------------------------------------------------------


def small():
    """A generator and a discriminator, of a dozen numbers in each array."""
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(3, name="dense"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(2, name="last"),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, name="dense")], name="discriminator"
    )
    return generator, discriminator


def model():
    latent = gan.latent.LatentGenerator(2)
    made = gan.WGAN_GP(*small(), latent, batch_size=4, ema=0.9, seed=1)
    made.compile()
    return made


def shared_file(name):
    return pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / name


def write_originals(folder):
    """Write the files that are to be mutated."""
    keras.utils.set_random_seed(0)
    if shared_file("seed_discriminator.h5").is_file():
        shutil.copyfile(shared_file("seed_discriminator.h5"), folder / "course")
    generator, _ = small()
    save_weights(generator, folder / "h5.h5", (np.full((4, 4), 0.25), np.ones((4, 4))))
    (folder / "h5.h5").replace(folder / "h5")
    chance = np.random.default_rng(0)
    np.save(folder / "npy", chance.integers(0, 256, (5, 4, 3), "uint8"))
    (folder / "npy.npy").replace(folder / "npy")
    np.save(folder / "float", chance.random((5, 4, 3), "float32"))
    made = model()
    made.real_examples = np.full((8, 2), 0.5)
    made.train_step()
    made.save(folder / "keras.keras")
    (folder / "keras.keras").replace(folder / "keras")


NETWORKS = ("generator", "discriminator")


class Target:
    """Mutations of one kind of file, each read and judged."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, folder
        self.original = (folder / kind).read_bytes()
        ending = "h5" if kind in ("course", "h5") else kind
        self.path = pathlib.Path(
            f"{folder}/{kind}-{multiprocessing.current_process().pid}.{ending}"
        )
        if kind in ("course", "h5"):
            _, course = gan.convolutional_GenDiscr()
            self.network = course if kind == "course" else small()[0]
            self.structure = h5_structure(self.original)
            self.path.write_bytes(self.original)
            load_weights((self.network, self.path))
            self.right = self.network.get_weights()
            self.before = [weight * 0 + 7 for weight in self.right]
        elif kind == "npy":
            self.floats = (folder / "float.npy").read_bytes()
        else:
            self.structure = zip_structure(self.original)
            self.path.write_bytes(self.original)
            self.model = gan.load_model(self.path)
            self.right = self.state(self.model)
            self.before = [(value * 0 + 3).astype(value.dtype) for value in self.right]

    @staticmethod
    def state(model):
        return [np.array(variable) for variable in saving.state_of(model)]

    def run(self, number):
        """Return what was done and how it ended; raise an error if that is wrong."""
        chance = random.Random(f"{self.kind} {number}")
        return getattr(
            self,
            "run_keras"
            if self.kind == "keras"
            else f"run_{'npy' if self.kind == 'npy' else 'h5'}",
        )(chance)

    def run_h5(self, chance):
        data, how = damage(chance, self.original, self.structure)
        self.path.write_bytes(data)
        self.network.set_weights(self.before)
        try:
            read_picture(self.path)
            load_weights((self.network, self.path))
        except InvalidInput:
            assert same(self.network.get_weights(), self.before), "weights changed"
            return how, "refused"
        weights = self.network.get_weights()
        if self.kind == "h5":
            assert same(weights, self.right), "read wrong"
        assert all(np.isfinite(weight).all() for weight in weights), "not finite"
        assert [w.shape for w in weights] == [w.shape for w in self.right]
        return how, "read"

    def run_npy(self, chance):
        original = chance.choice([self.original, self.floats])
        data, how = damage(chance, original, range(128))
        self.path.write_bytes(data)
        try:
            pictures = load_pictures(self.path)
        except InvalidInput:
            return how, "refused"
        assert pictures.dtype == np.float32 and pictures.ndim == 3
        assert np.isfinite(pictures).all()
        assert 0 <= pictures.min() and pictures.max() <= 1
        if data[:128] == original[:128]:
            assert pictures.shape == (5, 4, 3)
        assert pictures.size in (len(data) - 128, (len(data) - 128) // 4)
        return how, "read"

    def run_keras(self, chance):
        forged = chance.random() < 0.4
        if forged:
            data, how = forge(chance, self.original)
        else:
            data, how = damage(chance, self.original, self.structure)
        self.path.write_bytes(data)
        ends = []
        for variable, value in zip(
            saving.state_of(self.model), self.before, strict=True
        ):
            variable.assign(value)
        try:
            saving.restore_model(self.model, self.path)
            ends.append("read")
            state = self.state(self.model)
            if not forged or how == "forged config":
                assert same(state, self.right), "restored wrong"
            assert all(np.isfinite(value).all() for value in state), "not finite"
        except InvalidInput:
            ends.append("refused")
            assert same(self.state(self.model), self.before), "weights changed"
        try:
            loaded = gan.load_model(self.path)
            ends.append("read")
            assert isinstance(loaded, gan.AdversarialModel)
            state = self.state(loaded)
            if not forged:
                assert type(loaded) is gan.WGAN_GP and same(state, self.right)
                ours, theirs = self.model.get_config(), loaded.get_config()
                # The optimizers are compared as a part of the state.
                for name in ours.keys() - {f"{n}_optimizer" for n in NETWORKS}:
                    assert ours[name] == theirs[name], name
            assert all(np.isfinite(value).all() for value in state), "not finite"
        except InvalidInput:
            ends.append("refused")
        if how.removeprefix("forged ") in REFUSE and forged:
            assert ends == ["refused", "refused"], f"{how} was {ends}"
        return how, " ".join(ends)


def same(left, right):
    return len(left) == len(right) and all(map(np.array_equal, left, right))


# -- in this process: a few -----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "keras"])
def test_a_hundred_mutations(kind, tmp_path):
    write_originals(tmp_path)
    if not (tmp_path / kind).exists():
        pytest.skip("the course's files are not on this machine")
    target = Target(kind, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ends = collections.Counter(target.run(number)[1] for number in range(100))
    refused = sum(count for end, count in ends.items() if end.startswith("refused"))
    assert refused >= (10 if kind == "course" else 50), ends


# -- in processes of their own: all ---------------------------------------------


def work(pipe, kind, folder):
    warnings.simplefilter("ignore")
    target = Target(kind, pathlib.Path(folder))
    pipe.send("ready")
    while True:
        number = pipe.recv()
        try:
            pipe.send(target.run(number))
        except BaseException:
            pipe.send(("wrong", traceback.format_exc()[-1500:]))


class Worker:
    """A process that runs mutations; a crash or hang is the result of one of them."""

    def __init__(self, kind, folder):
        self.arguments = kind, str(folder)
        self.process = None

    def run(self, number):
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.pipe, other = context.Pipe()
            self.process = context.Process(
                target=work, args=(other, *self.arguments), daemon=True
            )
            self.process.start()
            other.close()
            assert self.pipe.poll(120) and self.pipe.recv() == "ready"
        self.pipe.send(number)
        try:
            if self.pipe.poll(SECONDS):
                return self.pipe.recv()
            end = "hang", f"more than {SECONDS} s"
        except (EOFError, ConnectionError):
            self.process.join(SECONDS)
            end = "crash", f"exit code {self.process.exitcode}"
        self.stop()
        return end

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_mutations(kind, tmp_path):
    write_originals(tmp_path)
    if not (tmp_path / kind).exists():
        pytest.skip("the course's files are not on this machine")
    numbers, ends, bad = iter(range(COUNT)), collections.Counter(), []
    lock = threading.Lock()

    def drive():
        worker = Worker(kind, tmp_path)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            how, end = worker.run(number)
            with lock:
                if how in ("wrong", "hang", "crash"):
                    bad.append((number, how, end))
                    end = how
                ends[end] += 1
        worker.stop()

    start = time.monotonic()
    threads = [threading.Thread(target=drive) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{kind}: {dict(ends)} in {time.monotonic() - start:.0f} s", end=" ")
    assert sum(ends.values()) == COUNT
    report = "\n".join(f"{kind} {number}: {how} {end}" for number, how, end in bad[:20])
    assert not bad, f"{len(bad)} of {COUNT}\n{report}"
