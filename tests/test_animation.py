import tracemalloc

import numpy as np
import pytest
from conftest import refused
from PIL import Image

from gan.animation import write_animation, write_gif

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (4, 20, 31), np.uint8)


def frames_of(path, mode="RGB"):
    with Image.open(path) as gif:
        frames = []
        for number in range(gif.n_frames):
            gif.seek(number)
            frames.append(np.array(gif.convert(mode)))
        return np.array(frames)


def test_grey_frames_come_back_exactly_and_loop_for_ever(tmp_path):
    path = write_gif(iter(GREY), tmp_path / "a.gif", frames_per_second=4)
    assert path == tmp_path / "a.gif"
    np.testing.assert_array_equal(frames_of(path, "L"), GREY)
    with Image.open(path) as gif:
        assert gif.info["loop"] == 0 and gif.info["duration"] == 250
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_colour_frames_of_few_colours_come_back_exactly(tmp_path):
    colours = RNG.integers(0, 256, (3, 200, 3), np.uint8)
    frames = [some[RNG.integers(0, 200, (20, 31))] for some in colours]
    path = write_gif([*frames, GREY[0]], tmp_path / "a.gif")
    expected = [*frames, np.repeat(GREY[0][..., None], 3, axis=2)]
    np.testing.assert_array_equal(frames_of(path), expected)


def test_a_photograph_keeps_its_colours_nearly(tmp_path):
    y, x = np.mgrid[:64, :64] / 63
    frame = np.stack([x, y, (1 - x) * (1 - y)], axis=2)
    (back,) = frames_of(write_gif([frame], tmp_path / "a.gif")) / 255
    assert abs(back - frame).mean() < 0.03


def test_floats_are_rounded_and_clipped(tmp_path):
    frame = np.array([[-0.5, 0.0, 0.4999 / 255, 0.5001 / 255], [0.5, 0.999, 1.0, 2.0]])
    (back,) = frames_of(write_gif([frame], tmp_path / "a.gif"), "L")
    assert back.tolist() == [[0, 0, 0, 1], [128, 255, 255, 255]]


def test_same_frames_same_bytes(tmp_path):
    colour = RNG.random((2, 9, 9, 3))
    one, two = (write_gif(colour, tmp_path / name) for name in ("a.gif", "b.gif"))
    assert one.read_bytes() == two.read_bytes()


def test_frames_that_do_not_change_take_their_time(tmp_path):
    path = write_gif([GREY[0]] * 3, tmp_path / "a.gif", frames_per_second=4)
    with Image.open(path) as gif:
        shown = [gif.seek(n) or gif.info["duration"] for n in range(gif.n_frames)]
    assert sum(shown) == 750


def test_frames_are_not_kept_in_memory(tmp_path):
    def frames():
        for level in range(60):
            yield np.full((500, 500), level, np.uint8)

    tracemalloc.start()
    write_gif(frames(), tmp_path / "a.gif")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 500 * 500


@pytest.mark.parametrize("rate, hundredths", [(50, 2), (30, 3), (7, 14), (0.01, 10000)])
def test_time_of_a_frame_is_in_hundredths(tmp_path, rate, hundredths):
    with Image.open(write_gif(GREY[:1], tmp_path / "a.gif", rate)) as gif:
        assert gif.info["duration"] == 10 * hundredths


@pytest.mark.parametrize(
    "frames",
    [
        [],
        3,
        [GREY[0], GREY[0][:9]],
        [np.zeros((2, 2, 4))],
        [np.zeros(3)],
        [np.zeros((0, 3))],
        [np.zeros((2, 2), int)],
        [np.full((2, 2), np.nan)],
    ],
)
def test_refused_frames_leave_the_old_file(tmp_path, frames):
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")
    with refused("frames"):
        write_gif(frames, path)
    assert path.read_bytes() == b"old" and len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize("rate", [0, -1, 51, float("nan"), "10", None, True])
def test_refused_rates(tmp_path, rate):
    with refused("frames_per_second"):
        write_gif(GREY, tmp_path / "a.gif", rate)


def test_a_webp_keeps_colours_and_times_in_fewer_bytes(tmp_path):
    y, x = np.mgrid[:64, :64] / 63
    frames = [np.stack([x, y, np.full_like(x, k / 9)], axis=2) for k in range(10)]
    path = write_animation(iter(frames), tmp_path / "a.webp", 12.5)
    with Image.open(path) as image:
        image.load()
        assert image.n_frames == 10 and image.info["loop"] == 0
        assert image.info["duration"] == 80
    assert np.abs(frames_of(path) / 255 - frames).mean() < 0.03
    gif = write_animation(frames, tmp_path / "a.gif")
    assert path.stat().st_size < gif.stat().st_size / 5


# The reader of imageio_ffmpeg leaves pipes open if ffmpeg has already ended.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_an_mp4_has_every_frame_whatever_its_sides(tmp_path):
    video = pytest.importorskip("imageio_ffmpeg", reason="pip install '.[video]'")
    y, x = np.mgrid[:33, :65] / 64
    frames = [np.clip(x + y - 1 + k / 4, 0, 1) for k in range(5)]
    path = write_animation(frames, tmp_path / "a.mp4", 5)
    reader = video.read_frames(str(path))
    told = next(reader)
    assert told["size"] == (66, 34) and told["fps"] == 5
    back = [np.frombuffer(one, np.uint8).reshape(34, 66, 3) for one in reader]
    assert len(back) == 5
    for one, frame in zip(back, frames, strict=True):
        assert np.abs(one[:33, :65, 0] / 255 - frame).mean() < 0.03


def test_an_mp4_without_the_package_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused("path"):
        write_animation(GREY, tmp_path / "a.mp4")
    assert not [*tmp_path.iterdir()]


def test_refused_paths(tmp_path):
    for path in (tmp_path / "a.png", tmp_path / "no" / "a.gif", tmp_path, 3):
        with refused("path"):
            write_gif(GREY, path)
