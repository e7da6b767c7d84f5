"""Captions as vectors, and captions in files."""

import json
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

import gan
from gan.conditions import Words
from gan.conditions.words import are_texts
from gan.data.captions import captions_of, read_captions
from gan.data.pictures import read_pictures

CAPTIONS = [
    "black hair, smile mouth, glasses",
    "red hair, serious mouth, glasses",
    "a hat, Smile mouth",
    "a hat, serious mouth",
    "red hair, smile mouth",
]


def test_a_vector_has_a_one_for_each_word():
    words = Words(CAPTIONS, least=1)
    assert words.names == "a black glasses hair hat red serious smile".split()
    assert words.fillers == ["mouth"] and len(words) == 8
    found = words(["hat smile", "mouth: RED hair"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(
        found, [[0, 0, 0, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1, 0, 0]]
    )
    np.testing.assert_array_equal(words("hat smile"), found[0])
    assert words.said(found[1]) == "hair, red"


def test_rare_words_and_those_beyond_the_most_are_left_out():
    assert "black" not in Words(CAPTIONS).names
    assert Words(CAPTIONS, most=2).names == ["hair", "smile"]
    # In captions, such words are ignored; if they are asked for, an error names them.
    np.testing.assert_array_equal(
        Words(CAPTIONS).of_captions([CAPTIONS[0]]), [[0, 1, 1, 0, 0, 0, 1]]
    )


@pytest.mark.parametrize(
    "call, argument, words",
    [
        (lambda w: w("smiling, black hair"), "words", "'smiling' (did you mean 'smile"),
        (lambda w: w(["red", "zebra"]), "words", "does not know 'zebra'. It knows a"),
        (lambda w: w(3), "words", "must be a list of texts"),
        (lambda w: w.of_captions(["zebra"]), "captions", "holds no word"),
        (lambda w: Words(["one"]), "captions", "at least 2"),
        (lambda w: Words(["same words"] * 4), "captions", "but not in all"),
        (lambda w: Words([1.5, 2.5]), "captions", "must be a list of texts"),
        (lambda w: Words(CAPTIONS, most=0), "most", "positive integer"),
    ],
)
def test_what_is_refused(call, argument, words):
    with pytest.raises(gan.InvalidInput) as caught:
        call(Words(CAPTIONS))
    assert caught.value.argument == argument and words in str(caught.value)


def test_what_a_text_does_not_say_is_as_in_captions():
    """A word removes those that never occur with it, and adds those that always do."""
    words = Words(CAPTIONS, least=1)
    among = words(CAPTIONS)
    found = [*map(words.said, words.completed("serious", among))]
    # Nothing is removed from the two captions with "serious", so only they stay.
    assert found == ["glasses, hair, red, serious", "a, hat, serious"]
    (only,) = words.completed("black serious", among[:1])
    assert words.said(only) == "black, glasses, hair, serious"
    (only,) = words.completed("hat", among[1:2])
    assert words.said(only) == "a, hat, serious"
    assert len(words.completed("smile", among, 7)) == 7


def test_they_are_kept_in_a_config():
    words = Words(CAPTIONS)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(words)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.names == words.names and again.fillers == words.fillers
    among = words.of_captions(CAPTIONS)
    for text in ("red", "serious, glasses"):
        np.testing.assert_array_equal(
            again.completed(text, among), words.completed(text, among)
        )


def test_what_counts_as_texts():
    known = ["a", ["a", "b"], np.array(["a"]), np.array(["a"], object)]
    assert all(map(are_texts, known))
    assert not any(map(are_texts, [3, [], [1], np.zeros(2), np.array([None]), None]))


def written(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    "name, text, found",
    [
        ("a.txt", "one cat\n\ntwo cats\n", ["one cat", "two cats"]),
        (
            "b.txt",
            "x.png\tone, cat\ny.png\ttwo\n",
            {"x.png": "one, cat", "y.png": "two"},
        ),
        ("c.json", '{"x.png": "one"}', {"x.png": "one"}),
        ("d.json", '["one", "two"]', ["one", "two"]),
        ("e.jsonl", '{"file_name": "x", "text": "one"}\n', {"x": "one"}),
        ("f.csv", 'file_name,text\nx.png,"one, cat"\n', {"x.png": "one, cat"}),
        ("g.csv", "caption\none\n", ["one"]),
        ("l.csv", 'file,text\nx,"one\n\ntwo"\n', {"x": "one\n\ntwo"}),
        ("n.csv", "\nfile,text\nx,one\n  \ny,two\n", {"x": "one", "y": "two"}),
        ("o.csv", "file,text\nx,one\n,two\n", None),
        ("p.jsonl", '{"file": "x", "text": "a"}\n{"text": "b"}\n', None),
        ("m.jsonl", '{"file": "x", "text": "a\u2028b"}\n', {"x": "a\u2028b"}),
        ("h.json", '{"x": 3}', None),
        ("i.jsonl", "no json\n", None),
        ("j.csv", "name,what\nx,y\n", None),
        ("k.txt", "", None),
    ],
)
def test_files_of_captions(tmp_path, name, text, found):
    path = written(tmp_path, name, text)
    if found is not None:
        assert read_captions(path) == found
        return
    with pytest.raises(gan.InvalidInput, match="holds no captions") as caught:
        read_captions(path)
    assert caught.value.argument == "captions"


def test_captions_find_their_pictures(tmp_path):
    for name in ("x.png", "y.png", "z.png"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / name)
    path = written(tmp_path, "captions.txt", "z.png\tlast\nsub/x\tfirst\n")
    read = read_pictures(tmp_path, (8, 8), captions=path)
    assert read.captions == ["first", "last"] and len(read.pictures) == 2
    assert read.left_out[str(tmp_path / "y.png")] == "without a caption"
    assert "with captions, the first 'first'; left out 1" in read.said
    for text, said in (("a\n", "must name the file"), ("q.png\ta\n", "None of the")):
        with pytest.raises(gan.InvalidInput, match=said):
            read_pictures(tmp_path, (8, 8), captions=written(tmp_path, "c.txt", text))


@pytest.mark.parametrize(
    "captions, files, found",
    [
        # The folder decides, with or without a suffix.
        ("b/1.png b, a/1 a", "a/1.png b/1.png", "a b"),
        # A caption of one file is not given to a file that its name fits less.
        ("a/1.png a", "a/1.png b/1.jpg", "a -"),
        ("1.jpg a", "1.jpg 1.png", "a -"),
        ("a/1 a, 1.png b", "a/1.png", "a"),
        # The folder may have been moved, and the file converted.
        ("old/1.png a", "a/1.png", "a"),
        ("C:\\x\\a\\1.png a, C:\\x\\b\\1.png b", "a/1.png b/1.png", "a b"),
        ("1.jpg a", "1.png", "a"),
        # Files of one name share a caption without a folder.
        ("1.png a", "a/1.png b/1.png", "a a"),
        ("1.jpg a, 1.gif b, 2 c", "1.png 2.png", "- c"),
    ],
)
def test_each_file_gets_the_caption_that_fits_best(captions, files, found):
    known = dict(one.split(" ") for one in captions.split(", "))
    paths = [pathlib.Path("photos", file) for file in files.split()]
    wanted = [None if text == "-" else text for text in found.split()]
    assert captions_of(known, paths, len(paths)) == wanted


def test_the_first_of_several_captions_counts_and_that_is_said(tmp_path):
    path = written(tmp_path, "c.txt", "x\tone\ny\ttwo\nx\tthree\n")
    with pytest.warns(UserWarning, match="3 captions for 2 files, such as 2 for 'x'"):
        assert read_captions(path) == {"x": "one", "y": "two"}
    path = written(tmp_path, "d.txt", "x.jpg#0\tone\nx.jpg#1\tanother\n")
    with pytest.warns(UserWarning, match="such as 2 for 'x.jpg'"):
        assert read_captions(path) == {"x.jpg": "one"}


def test_captions_in_the_file_of_an_array(tmp_path):
    pictures = np.zeros((3, 8, 8), "uint8")
    np.savez(tmp_path / "a.npz", x=pictures, caption=["one", "two", "two"])
    assert read_pictures(tmp_path / "a.npz").captions == ["one", "two", "two"]
    assert read_pictures(tmp_path / "a.npz", labelled=False).captions is None
    # Labels are read instead of captions, unless captions are asked for.
    np.savez(tmp_path / "b.npz", x=pictures, y=[0, 1, 1], caption=["a", "b", "c"])
    both = read_pictures(tmp_path / "b.npz")
    assert both.captions is None and both.names == ["0", "1"]
    words = read_pictures(tmp_path / "b.npz", captions=tmp_path / "b.npz")
    assert words.captions == ["a", "b", "c"] and words.labels is None
    with pytest.raises(gan.InvalidInput, match="2 captions for 3 pictures"):
        path = written(tmp_path, "c.txt", "one\ntwo\n")
        read_pictures(tmp_path / "a.npz", captions=path)
    np.savez(tmp_path / "d.npz", x=pictures, caption=[1, 2, 3])
    with pytest.raises(gan.InvalidInput, match="must hold texts"):
        read_pictures(tmp_path / "d.npz", captions=tmp_path / "d.npz")
