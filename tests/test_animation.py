import tracemalloc

import numpy as np
import pytest
from PIL import Image

from gan.errors import InvalidInput
from gan.visualization.animation import Gif, write_gif

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


def test_frames_that_do_not_change_stay_frames(tmp_path):
    path = write_gif([GREY[0]] * 3, tmp_path / "a.gif")
    assert len(frames_of(path)) == 3


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
    "frames, said",
    [
        ([], "at least one frame. Received: frames=0"),
        (3, "frames to be an iterable of arrays. Received: frames=3"),
        ([GREY[0], GREY[0][:9]], r"frames of \(w, h\) = \(31, 20\). Received: .*9"),
        ([np.zeros((2, 2, 4))], r"shape \(h, w\) or \(h, w, 3\). Received: shape="),
        ([np.zeros((0, 3))], r"shape \(h, w\) or \(h, w, 3\). Received: shape="),
        ([np.zeros((1, 65536))], "at most 65535 pixels a side"),
        ([np.zeros((2, 2), int)], r"uint8 or floats in \[0, 1\]. Received: dtype="),
        ([np.full((2, 2), np.nan)], "a finite frame"),
    ],
)
def test_refused_frames_leave_the_old_file(tmp_path, frames, said):
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")
    with pytest.raises(InvalidInput, match=said):
        write_gif(frames, path)
    assert path.read_bytes() == b"old" and len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize("rate", [0, -1, 51, float("nan"), "10", None, True])
def test_refused_rates(tmp_path, rate):
    with pytest.raises(InvalidInput, match="frames_per_second to be a finite number"):
        write_gif(GREY, tmp_path / "a.gif", rate)


def test_refused_paths(tmp_path):
    for path, said in [
        (tmp_path / "a.png", "ends in .gif"),
        (tmp_path / "no" / "a.gif", "in an existing directory"),
        (tmp_path, "a file path, not a directory"),
        (3, "a file path"),
    ]:
        with pytest.raises(InvalidInput, match=said):
            write_gif(GREY, path)
    foreign = tmp_path / "foreign.gif"
    Image.fromarray(GREY[0]).save(foreign)
    before = foreign.read_bytes()
    with pytest.raises(InvalidInput, match="a GIF that gan.animation wrote"):
        Gif(foreign)
    assert foreign.read_bytes() == before
    write_gif(GREY, foreign)
    assert len(Gif(foreign).notes) == 4


def test_a_gif_grows_in_several_lives_and_is_valid_after_each_frame(tmp_path):
    whole = write_gif(GREY, tmp_path / "whole.gif")
    for count, frame in enumerate(GREY):
        gif = Gif(tmp_path / "a.gif")
        assert len(gif.notes) == count
        gif.append(frame)
        np.testing.assert_array_equal(frames_of(gif.path, "L"), GREY[: count + 1])
    assert gif.path.read_bytes() == whole.read_bytes()
    with pytest.raises(InvalidInput, match=r"frames of \(w, h\) = \(31, 20\)"):
        Gif(gif.path).append(GREY[0].T)
    assert gif.path.read_bytes() == whole.read_bytes()


def test_refused_notes_and_counts(tmp_path):
    gif = Gif(tmp_path / "a.gif")
    for note in ["é", "x" * 256, 3, None]:
        with pytest.raises(InvalidInput, match="a note of at most 255 ASCII letters"):
            gif.append(GREY[0], note)
    assert not gif.path.exists()
    gif.append(GREY[0], "x" * 255)
    assert Gif(gif.path).notes == ["x" * 255]
    for count in [-1, 0.5, None]:
        with pytest.raises(InvalidInput, match="count to be a whole number"):
            gif.cut(count)


@pytest.mark.parametrize("anew", [False, True])
def test_cut_back_and_gone_on_is_as_never_cut(tmp_path, anew):
    gif = Gif(tmp_path / "a.gif")
    for number, frame in enumerate(GREY):
        gif.append(frame, f"frame {number}")
    whole = gif.path.read_bytes()
    gif = Gif(gif.path) if anew else gif
    assert gif.notes == [f"frame {number}" for number in range(4)]
    gif.cut(9)
    assert gif.path.read_bytes() == whole
    gif.cut(2)
    np.testing.assert_array_equal(frames_of(gif.path, "L"), GREY[:2])
    gif.append(GREY[2], "frame 2")
    gif.append(GREY[3], "frame 3")
    assert gif.path.read_bytes() == whole
    gif.cut(0)
    assert not gif.path.exists() and gif.notes == []
    gif.append(GREY[0].T)
    assert frames_of(gif.path).shape == (1, 31, 20, 3)


def test_a_kill_at_any_byte_of_an_append_leaves_the_frames_before(tmp_path):
    small = np.zeros((2, 2, 2, 3), np.uint8)
    before = write_gif(small[:1], tmp_path / "a.gif").read_bytes()
    after = write_gif(small, tmp_path / "b.gif").read_bytes()
    old_end = len(before) - 1
    assert after[:old_end] == before[:old_end]
    path = tmp_path / "c.gif"
    # The order of writing, then the loss of power, which may cut the file anywhere.
    killed = [before + after[len(before) : stop] for stop in range(old_end, len(after))]
    cut = [after[:stop] for stop in range(old_end, len(after) - 1)]
    for content in [*killed, *cut]:
        path.write_bytes(content)
        if content[old_end : old_end + 1] == b";":
            assert len(frames_of(path)) == 1
        gif = Gif(path)
        assert len(gif.notes) == 1
        gif.append(small[1])
        assert path.read_bytes() == after
