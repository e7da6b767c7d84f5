"""Measures how quickly a page answers in headless Chromium: medians of five loads.

    python tests/benchmarks/page.py [page.html]

Without a page, the script first writes that of the face generator of this library.
"""

import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from browser import browser  # noqa: E402 (of the tests' folder)

WAIT = """new Promise((done) => {
  (function wait() { drawWall.took ? done(drawWall.took) : setTimeout(wait, 10); })();
})"""
SLIDE = """(() => {
  const start = performance.now(), slider = byId("move0");
  slider.value = Math.random();
  slider.dispatchEvent(new Event("input"));
  byId("face").getContext("2d").getImageData(0, 0, 1, 1);
  return performance.now() - start;
})()"""


def measure(path):
    """Milliseconds to the first picture, for a wall of 400, for a slider's picture."""
    with browser() as tab:
        for _ in range(5):
            tab.open(path)
            first = tab.evaluate("firstAfter")
            wall = tab.evaluate(WAIT)
            slides = [tab.evaluate(SLIDE) for _ in range(20)]
            yield first, wall, statistics.median(slides)


def main():
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            path = pathlib.Path(sys.argv[1])
        else:
            from gan import cli

            path = pathlib.Path(folder, "page.html")
            cli.main(["page", "--output", str(path)])
        print(f"{path.stat().st_size / 1e6:.2f} MB")
        rows = zip(*measure(path), strict=True)
        for name, values in zip(("first picture", "wall", "slider"), rows, strict=True):
            print(f"{name:14}{statistics.median(values):7.0f} ms")


if __name__ == "__main__":
    main()
