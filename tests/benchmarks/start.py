"""Where the time of `python main.py` goes, from the command to the picture.

    python tests/benchmarks/start.py

Each part is measured in a process of its own, which ends after this part; the best of
three times counts.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

PARTS = {
    "start of Python": "pass",
    "import of TensorFlow": "from gan.cli import shared; shared.import_tensorflow()",
    "all of main.py": "from gan import cli; cli.main(['--output', 'faces.png'])",
}


def seconds(code, folder):
    start = time.perf_counter()
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"
    subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True
    )
    return time.perf_counter() - start


def main():
    with tempfile.TemporaryDirectory() as folder:
        best = {
            name: min(seconds(code, folder) for _ in range(3))
            for name, code in PARTS.items()
        }
    start, tensorflow, everything = best.values()
    print(f"start of Python        {start:5.2f} s")
    print(f"import of TensorFlow   {tensorflow - start:5.2f} s")
    print(f"load, draw, write      {everything - tensorflow:5.2f} s")
    print(f"python main.py         {everything:5.2f} s")


if __name__ == "__main__":
    main()
