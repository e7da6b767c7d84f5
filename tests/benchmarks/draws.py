"""Measures generators of faces several times, and prints means and deviations.

    python tests/benchmarks/draws.py --pictures small_res_faces_10000.npy \\
        RUN/generator.h5 [MORE.h5 ...]

The FD of one draw of 5,000 fakes has a standard deviation of .005, as large as the
difference between trainings. Each draw is compared with the same half of the reals; the
neighbour ratio, which shows copies, compares it with all of them.
"""

import argparse

import numpy as np

from gan import metrics
from gan.cli.shared import loaded, read_real


def main():
    """Measure the generators that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", required=True, help="real faces")
    parser.add_argument("--draws", type=int, default=8, help="at least 2 (default 8)")
    parser.add_argument("generators", nargs="+")
    arguments = parser.parse_args()
    real = read_real(arguments.pictures, (16, 16, 1)).floats()
    axes = metrics.principal_axes(real)
    half = np.random.default_rng(0).permutation(real)[: len(real) // 2]
    names = [name for name in metrics.NAMES if name not in ("chi2", "neighbour_ratio")]
    for path in arguments.generators:
        found = []
        for seed in range(arguments.draws):
            fakes = loaded(path, seed).draw(len(half), seed=seed)
            values = metrics.measures(half, fakes, names, axes=axes)
            values["neighbour_ratio"] = metrics.neighbour_ratio(real, fakes)
            found.append(values)
        print(f"{path}: mean and standard deviation of {len(found)} draws")
        for name in found[0]:
            some = [values[name] for values in found]
            print(f"  {name:16}{np.mean(some):9.5f}{np.std(some, ddof=1):10.5f}")


if __name__ == "__main__":
    main()
