"""Recordings as pictures and back, and the recipe that learns them."""

import json
import wave

import numpy as np
import pytest
from conftest import refused

from gan import cli
from gan.data import sounds
from gan.recipes import speech
from gan.recipes.run import Run

SECONDS = np.arange(sounds.LENGTH) / sounds.RATE


def spoken(digit, seed=0, length=sounds.LENGTH):
    """Something like a syllable: harmonics below a formant, which rise and fall."""
    rng = np.random.default_rng(seed)
    pitch, formant = rng.uniform(90, 220), 300 + 300 * digit
    numbers = np.arange(1, 1 + int(3900 // pitch))
    loud = np.exp(-(((numbers * pitch - formant) / 400) ** 2))
    waves = np.sin(2 * np.pi * pitch * numbers * SECONDS[:length, None])
    return waves @ loud * np.sin(np.pi * np.arange(length) / length) / 10


def write(path, sound, rate=8000, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, len(sound), "NONE", ""))
        file.writeframes(np.rint(sound * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    for digit in (0, 3, 7):
        for number in range(4):
            sound = spoken(digit, number, 2500 + 400 * number)
            write(folder / f"{digit}_anna_{number}.wav", sound)
    return folder


def convergence(sound, wanted):
    """‖|STFT x| − S‖ / ‖S‖, by NumPy's own transform."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(128) / 128)

    def sizes(x):
        frames = np.lib.stride_tricks.sliding_window_view(x, 128)[::64]
        return np.abs(np.fft.rfft(frames * window))

    sound, wanted = sizes(sound), sizes(wanted)
    return np.linalg.norm(sound - wanted) / np.linalg.norm(wanted)


def test_a_picture_is_what_its_formula_says():
    sound = spoken(2)
    scale = np.stack([np.linspace(-1, 1, 64), np.linspace(0.5, 2, 64)])
    picture = sounds.to_pictures([sound], scale)[0]
    assert picture.shape == (64, 64) and picture.dtype == np.float32
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(128) / 128)
    for moment, frequency in ((0, 0), (20, 5), (63, 63)):
        frame = sound[64 * moment : 64 * moment + 128] * window
        log = np.log(abs(np.fft.rfft(frame)[frequency]) + 0.01)
        value = 0.5 + (log - scale[0, frequency]) / (6 * scale[1, frequency])
        found = picture[63 - frequency, moment]
        assert found == pytest.approx(np.clip(value, 0, 1), abs=1e-4)


def test_a_tone_comes_back():
    tone = 0.8 * np.sin(2 * np.pi * 1000 * SECONDS)
    scale = sounds.scale_of([tone, *(spoken(d) for d in range(10))])
    found = sounds.to_sounds(sounds.to_pictures([tone], scale), scale)[0]
    inside = slice(128, -128)
    strongest = np.abs(np.fft.rfft(found[inside])).argmax()
    assert strongest * 8000 / len(found[inside]) == pytest.approx(1000, abs=2.5)
    assert convergence(found, tone) < 0.1


def test_rounds_bring_sounds_nearer_to_their_pictures():
    real = np.stack([spoken(digit) for digit in range(10)])
    scale = sounds.scale_of(real)
    pictures = sounds.to_pictures(real, scale)
    far, near = (
        np.mean([convergence(*pair) for pair in zip(found, real, strict=True)])
        for found in (sounds.to_sounds(pictures, scale, n) for n in (1, 32))
    )
    assert near < 0.2 and near < far / 2
    again = sounds.to_pictures(sounds.to_sounds(pictures, scale), scale)
    assert np.abs(again - pictures).mean() < 0.05


def test_a_folder_is_read(recordings):
    (recordings / "README.txt").write_text("about")
    (recordings / "._7_anna_0.wav").write_bytes(b"of another system")
    (recordings / "7_anna_3.wav").rename(recordings / "7_anna_3.WAV")
    data = sounds.read_sounds(recordings)
    assert data.pictures.shape == (12, 64, 64, 1) and data.pictures.dtype == np.uint8
    assert data.names == ["0", "3", "7"]
    np.testing.assert_array_equal(data.labels, np.repeat([0, 1, 2], 4))
    assert data.scale.shape == (2, 64)
    some = sounds.read_wav(recordings / "3_anna_1.wav")
    expected = 255 * sounds.to_pictures([some], data.scale)[0]
    np.testing.assert_allclose(data.pictures[5, ..., 0], expected, atol=0.51)


def test_the_loudest_part_counts_and_short_ones_stand_in_the_middle(tmp_path):
    long = np.zeros(20_000)
    long[9000:12_000] = 0.25
    found = sounds.read_wav(write(tmp_path / "1.wav", long))
    assert found.shape == (4160,) and found.sum() == 3000 and found.max() == 1
    found = sounds.read_wav(write(tmp_path / "2.wav", np.full(160, -0.1)))
    np.testing.assert_array_equal(np.flatnonzero(found), np.arange(2000, 2160))
    assert found.min() == -1


def test_a_sound_is_written_as_it_is(tmp_path):
    sound = np.float32(spoken(4) / np.abs(spoken(4)).max())
    with open(tmp_path / "4.wav", "wb") as file:
        sounds.write_wav(file, sound)
    np.testing.assert_allclose(sounds.read_wav(tmp_path / "4.wav"), sound, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("anna_7.wav", {}, "must begin with its digit"),
        ("17_anna.wav", {}, "must begin with its digit"),
        ("7_anna.wav", {"channels": 2}, "holds 8000 in 2 of 16 bits"),
        ("7_anna.wav", {"rate": 44100}, "sox IN -r 8000 -c 1 -b 16 OUT"),
        ("7_anna.wav", {"width": 1}, "holds 8000 in 1 of 8 bits"),
        ("7_anna.wav", None, "is no WAV file that can be read (file does not start"),
        ("7_anna.wav", b"", "is no WAV file that can be read"),
        ("7_anna.wav", {"length": 0}, "is silent"),
        (None, None, "There is no WAV file in the folder"),
    ],
)
def test_what_is_refused_is_one_sentence(tmp_path, capsys, name, options, said):
    folder = tmp_path / "recordings"
    folder.mkdir()
    if isinstance(options, dict):
        length = options.pop("length", 800)
        write(folder / name, np.full(length, 0.5), **options)
    elif name:
        (folder / name).write_bytes(b"no sound" if options is None else options)
    line = ["train", "--recipe", "speech", "--pictures", str(folder)]
    assert cli.main([*line, "--output", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.endswith(".\n")
    with refused("path"):
        sounds.read_sounds(folder)
    assert not (tmp_path / "run").exists()


def test_there_must_be_recordings(tmp_path, capsys):
    run = ["--output", str(tmp_path / "run")]
    assert cli.main(["train", "--recipe", "speech", *run]) == 2
    assert "argument data (--pictures) must name a folder" in capsys.readouterr().err
    with refused("path"):
        sounds.read_sounds(tmp_path / "none")


def test_the_model_is_the_documented_one(recordings):
    data = speech.read(recordings)
    model = speech.RECIPE.make_model(data, steps=10)
    assert (model.batch_size, model.classes, model.penalty_every) == (12, 3, 8)
    assert model.class_names == ["0", "3", "7"]
    assert model.generator.output_shape[1:] == (64, 64, 1)


@pytest.mark.slow
def test_a_run_can_be_heard(recordings, tmp_path, capsys):
    run = tmp_path / "run"
    line = ["train", "--recipe", "speech", "--pictures", str(recordings)]
    line += ["--output", str(run), "--epochs", "1", "--steps", "1"]
    assert cli.main(line) == 0
    assert str(run / "sounds.html") in capsys.readouterr().out
    files = sorted(path.name for path in (run / "sounds").glob("*.wav"))
    assert files == [
        f"{digit}_{number}.wav" for digit in "037" for number in range(1, 9)
    ]
    assert np.abs(sounds.read_wav(run / "sounds" / "7_8.wav")).max() == 1
    scale = np.load(run / "spectrograms.npy")
    np.testing.assert_array_equal(scale, sounds.read_sounds(recordings).scale)
    page = (run / "sounds.html").read_text("utf-8")
    assert page.count('src="data:audio/wav;base64,UklGR') == 24
    assert [page.count(f"<h2>{digit}</h2>") for digit in "0137"] == [1, 0, 1, 1]
    record = json.loads((run / "run.json").read_text())
    assert {"spectrograms.npy", "sounds.html", "model.keras"} <= {*record["files"]}
    # The next run deletes what this one wrote, and nothing else.
    (run / "sounds" / "mine.wav").touch()
    for path in recordings.glob("7_*"):
        path.unlink()
    assert cli.main([*line, "--restart"]) == 0
    files = sorted(path.name[:2] for path in (run / "sounds").glob("*.wav"))
    assert files == ["0_"] * 8 + ["3_"] * 8 + ["mi"]


def test_files_of_others_stay(recordings, tmp_path):
    (tmp_path / "run" / "sounds").mkdir(parents=True)
    (tmp_path / "run" / "sounds" / "7_1.wav").touch()
    run = Run("speech", tmp_path / "run", recordings, steps=1, epochs=1, verbose=0)
    with refused("output"):
        run.train(speech.RECIPE)
