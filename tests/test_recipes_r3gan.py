import json

import numpy as np
import pytest
from conftest import refused
from PIL import Image

import gan
from gan import cli
from gan.data.pictures import Pictures, read_pictures
from gan.recipes import pace, r3gan
from gan.recipes.run import Run

RNG = np.random.default_rng(0)


def write(folder, count, colour):
    folder.mkdir(parents=True)
    for number in range(count):
        side = 20 + number
        values = RNG.integers(0, 256, (side, 25, 3 if colour else 1), "uint8")
        values = np.broadcast_to(values, (side, 25, 3))
        Image.fromarray(values).save(folder / f"{number}.png")


@pytest.mark.parametrize("colour", [True, False])
def test_a_folder_is_read_as_what_it_is(tmp_path, colour):
    write(tmp_path / "pets" / "cats", 3, colour)
    write(tmp_path / "pets" / "dogs", 5, colour)
    data = read_pictures(tmp_path / "pets")
    assert data.pictures.shape == (8, 32, 32, 3 if colour else 1)
    assert [*data.labels] == 3 * [0] + 5 * [1] and data.names == ["cats", "dogs"]
    alone = read_pictures(tmp_path / "pets", (8, 8), colour=False, labelled=False)
    assert alone.pictures.shape == (8, 8, 8, 1) and alone.labels is None
    assert read_pictures(tmp_path / "pets" / "dogs").labels is None


def test_hidden_files_and_folders_are_no_classes(tmp_path):
    write(tmp_path / "cats", 2, True)
    write(tmp_path / "dogs", 2, True)
    (tmp_path / ".DS_Store").write_bytes(b"of a Mac")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    data = read_pictures(tmp_path)
    assert data.names == ["cats", "dogs"] and [*data.labels] == [0, 0, 1, 1]


def test_an_array_keeps_its_size_and_labels(tmp_path):
    pictures = RNG.integers(0, 256, (6, 30, 100), "uint8")
    np.savez(tmp_path / "a.npz", x=pictures, y=[*"bcbaab"])
    data = read_pictures(tmp_path / "a.npz")
    assert data.pictures.shape == (6, 28, 64, 1)
    assert data.names == [*"abc"] and [*data.labels] == [1, 2, 1, 0, 0, 1]
    np.save(tmp_path / "b.npy", pictures[:, :28, :28])
    data = read_pictures(tmp_path / "b.npy")
    np.testing.assert_array_equal(data.pictures[..., 0], pictures[:, :28, :28])


@pytest.mark.parametrize(
    ("options", "labels", "argument"),
    [
        ({"size": 30}, [0, 1, 2], "size"),
        ({"size": 4}, [0, 1, 2], "size"),
        ({}, [0, 1], "path"),
        ({}, [0.0, 1.0, 2.0], "path"),
    ],
)
def test_data_that_cannot_be_used(tmp_path, options, labels, argument):
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 8, 8), "uint8"), y=labels)
    with refused(argument):
        r3gan.train(Run("r3gan", tmp_path / "run", tmp_path / "a.npz"), **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_model_is_the_documented_one(random_digits, moves_both_networks):
    data = random_digits(70)
    model = r3gan.GREY.make_model(data, steps=10, augment=gan.DiffAugment())
    assert isinstance(model, gan.R3GAN) and model.classes == 10
    assert (model.batch_size, model.disc_iter, model.gamma) == (64, 1, 1)
    assert isinstance(model.augment, gan.DiffAugment)
    for network in (model.generator, model.discriminator):
        schedule = network.optimizer._learning_rate
        rates = [float(schedule(step)) for step in (0, 4, 7, 10)]
        np.testing.assert_allclose(rates, [1e-3, 1e-3, 5e-4, 0], atol=1e-9)
        assert (network.optimizer.beta_1, network.optimizer.beta_2) == (0, 0.99)
    sheet = r3gan.draw(model, data)
    fakes, reals = (axes.images[0].get_array() for axes in sheet.axes)
    assert fakes.shape == reals.shape == (8 * 29 - 1, 10 * 29 - 1)
    # Beside the fakes stand reals of the same classes.
    for column in range(10):
        first = data.pictures[data.labels == column][0, ..., 0] / np.float32(255)
        np.testing.assert_allclose(reals[:28, 29 * column :][:, :28], first)
    names = [text.get_text() for text in sheet.texts if text.get_size() == 8]
    assert names == 2 * data.names
    assert moves_both_networks(model)


def test_the_weight_of_the_penalties_goes_with_the_distance_of_pictures():
    pictures = RNG.integers(0, 256, (3000, 8, 8, 3), "uint8")
    gamma = r3gan.gamma_for(pictures)
    assert gamma == pytest.approx(192 / 12 / 70, rel=0.05)
    # The same picture in twice as many pixels a side, and with half the contrast.
    larger = pictures.repeat(2, axis=1).repeat(2, axis=2)
    assert r3gan.gamma_for(larger) == pytest.approx(4 * gamma, rel=0.05)
    assert r3gan.gamma_for(pictures // 2) == pytest.approx(gamma / 4, rel=0.1)
    assert r3gan.gamma_for(np.zeros_like(pictures)) > 0


def test_few_pictures_are_told_of(tmp_path, monkeypatch, capsys):
    write(tmp_path / "pets", 9, True)
    monkeypatch.setattr(Run, "train", lambda *a, **o: [])
    r3gan.train(Run("r3gan", tmp_path / "run", tmp_path / "pets"), size=8)
    assert "memorise so few pictures (9)" in capsys.readouterr().out


def test_colours_are_taught_in_smaller_batches():
    colours = Pictures(np.zeros((70, 8, 8, 3), "uint8"))
    model = r3gan.COLOUR.make_model(colours, steps=10)
    assert (model.batch_size, model.classes, model.augment) == (32, None, None)
    assert (model.gamma, model.penalty_every) == (r3gan.gamma_for(colours.pictures), 8)


@pytest.mark.slow
def test_train_goes_on_and_its_run_draws_the_class_asked_for(tmp_path, capsys):
    write(tmp_path / "pets" / "cats", 9, True)
    write(tmp_path / "pets" / "dogs", 9, True)
    run, shown = str(tmp_path / "run"), str(tmp_path / "x.png")
    common = ["train", "--pictures", str(tmp_path / "pets"), "--output", run]
    common += ["--size", "8", "--epochs", "2", "--steps", "1"]
    assert cli.main(common) == 0
    out = capsys.readouterr().out
    assert "R3GAN on 18 pictures, 8x8 colour, 2 classes (cats 9, dogs 9); 1" in out
    assert cli.main(common) == 0 and "Going on from" in capsys.readouterr().out
    assert cli.main(["generate", run, "--class", "1", "--output", shown]) == 0
    assert cli.main([*common, "--grey"]) == 2
    assert "holds another run" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_minutes_goes_on_with_the_steps_that_it_began_with(
    tmp_path, capsys, monkeypatch
):
    """Steps are timed only once, so that a resumed run has the same settings."""
    write(tmp_path / "pets", 9, True)
    line = ["train", "--pictures", str(tmp_path / "pets"), "--size", "12x8"]
    line += ["--minutes", ".5", "--output", str(tmp_path / "run")]
    found = iter([(2, 3)])
    monkeypatch.setattr(pace, "lengths", lambda make_model, minutes: next(found))
    assert cli.main(line) == 0
    assert "12x8 colour" in capsys.readouterr().out
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    asked = record["minutes"], record["epochs"], record["steps_per_epoch"]
    assert asked == (0.5, 2, 3)
    assert len([*(tmp_path / "run" / "checkpoints").glob("epoch-*.keras")]) == 2
    assert cli.main(line) == 0 and "Going on from" in capsys.readouterr().out
    # More minutes make the run longer: its rates, which were 0 at its end, rise again.
    assert cli.main([*line, "--minutes", "1"]) == 0
    said = capsys.readouterr().out
    assert "0.5 minutes become 1: 4 epochs" in said and "epoch-000002" in said
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["minutes"], record["epochs"]) == (1, 4)
    model = gan.load_model(tmp_path / "run" / "model.keras")
    assert model.generator.optimizer.iterations == 12
    # Fewer are refused, and so is anything else that differs; the record stays.
    assert cli.main(line) == 2
    assert "minutes is 0.5 here and was 1.0 there" in capsys.readouterr().err
    assert cli.main([*line, "--minutes", "2", "--augment"]) == 2
    assert "augment" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == record


def test_steps_of_some_minutes(monkeypatch, capsys):
    """The model takes 20 s to trace and 0.1 s per step, by a simulated clock."""
    clock = [0.0]

    class Model:
        traced = False

        def fit(self, epochs, steps_per_epoch, verbose):
            clock[0] += 0.1 * steps_per_epoch + 20 * (not self.traced)
            self.traced = True

    monkeypatch.setattr(pace.time, "perf_counter", lambda: clock[0])
    epochs, steps = pace.lengths(Model, 10)
    # The run is traced once more; a twentieth goes to pictures and checkpoints.
    assert epochs == 20 and 0.9 < (clock[0] + 20.8 + 0.1 * epochs * steps) / 600 < 0.96
    assert "10 minutes on this machine:" in (out := capsys.readouterr().out)
    assert out.endswith("100 ms each\n")
    assert pace.lengths(Model, 0.1) == (1, 1)


@pytest.mark.slow
def test_train_from_python(tmp_path, capsys):
    write(tmp_path / "pets" / "cats", 9, True)
    write(tmp_path / "pets" / "dogs", 9, True)
    given = {"size": 8, "epochs": 1, "steps": 2, "verbose": 0}
    generator = gan.train(tmp_path / "pets", tmp_path / "run", **given)
    assert (generator.names, generator.shape) == (["cats", "dogs"], (8, 8, 3))
    again = gan.load_generator(tmp_path / "run")
    np.testing.assert_array_equal(generator.draw(3), again.draw(3))


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("pictures", {"pictures": None}),
        ("recipe", {"recipe": "stylegan"}),
        ("recipe", {"recipe": "gaussian"}),
        ("size", {"size": (8, 10)}),
        ("size", {"size": 10**9}),
        ("size", {"size": (8, 8, 8)}),
        ("size", {"size": "8"}),
        ("size", {"size": 8, "recipe": "mnist_dcgan"}),
        ("minutes", {"minutes": 0}),
        ("minutes", {"minutes": 1, "epochs": 3}),
        ("minutes", {"minutes": 1, "recipe": "course"}),
        ("long", {"long": True}),
    ],
)
def test_what_train_refuses_before_it_reads(tmp_path, argument, given):
    given = {"pictures": tmp_path, "output": tmp_path / "run"} | given
    with refused(argument):
        gan.train(**given)
    assert not (tmp_path / "run").exists()


def test_the_weight_of_the_penalties_is_said(tmp_path, monkeypatch, capsys):
    grey = RNG.integers(0, 2, (40, 64, 64, 1), "uint8") * 255
    small = grey[:, :8, :8]
    assert r3gan._fitted(Pictures(small), 10)["gamma"] == 1.0
    large = r3gan._fitted(Pictures(grey), 10)["gamma"]
    assert large == r3gan.gamma_for(grey) == pytest.approx(4096 / 4 / 70, rel=0.05)
    monkeypatch.setattr(Run, "fit", lambda *a, **o: None)
    monkeypatch.setattr(Run, "finish", lambda *a: [])
    np.save(tmp_path / "a.npy", small)
    r3gan.train(Run("r3gan", tmp_path / "run", tmp_path / "a.npy"))
    assert "the penalties (gamma) is 1," in capsys.readouterr().out
