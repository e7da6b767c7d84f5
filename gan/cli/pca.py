"""`pca`: what principal components know of faces, and what they do not."""

import pathlib

from gan.cli.shared import (
    add_drawing,
    add_generator,
    as_pictures,
    expect_drawing,
    generate,
    import_tensorflow,
    set_seed,
)
from gan.errors import expect
from gan.saving.files import expect_writable

_COORDINATES = 49
_MOST = 10_000  # fakes of each kind


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "pca",
        run,
        "compare the generator with one that draws principal coordinates: its faces, "
        "the 49 histograms and the chi-square evidence",
        example="pca --pictures small_res_faces_10000.npy --output pca.png",
    )
    command.add_argument(
        "--pictures", metavar="FILE.npy", required=True, help="the real pictures"
    )
    command.add_argument(
        "--depth",
        type=int,
        default=128,
        help="coordinates of the PCA fakes, 49 to 256 (default 128)",
    )
    add_generator(command)
    add_drawing(command, "pca")


def run(arguments):
    """Draw the four pictures and print their paths."""
    depth = arguments.depth
    expect(_COORDINATES <= depth <= 256, "depth from 49 to 256", depth=depth)
    expect_drawing(arguments)
    output = pathlib.Path(arguments.output)
    names = ("fakes", "reconstructions", "histograms", "chi2")
    paths = {
        name: expect_writable(output.with_name(f"{output.stem}-{name}{output.suffix}"))
        for name in names
    }
    from gan.data.faces import load_faces
    from gan.evaluation import metrics

    real = load_faces(arguments.pictures).pictures
    expect(len(real) >= 200, "at least 200 pictures", N=len(real))
    axes = metrics.principal_axes(real, _COORDINATES)
    varying = axes[1].shape[1]
    expected = f"pictures that vary along at least {_COORDINATES} axes"
    expect(varying == _COORDINATES, expected, path=arguments.pictures, axes=varying)
    import_tensorflow()
    from gan.evaluation.pca import fit_pca
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.saving.weights_file import load_weights
    from gan.visualization import plots

    generator, _ = convolutional_GenDiscr()
    load_weights((generator, arguments.generator))
    set_seed(arguments.seed)
    count = min(len(real), _MOST)
    gan_fakes = as_pictures(
        generate(generator, normal_generator(count, 16)), arguments.generator
    )
    pca = fit_pca(real)
    pca_fakes = pca.sample(count, depth, arguments.seed)
    reconstructed = pca.pictures(pca.coordinates(real[:100], 128))
    fakes_title = f"fakes of {depth} independent principal coordinates"
    figures = {
        "fakes": plots.mosaic(pca_fakes[:100], title=fakes_title),
        "reconstructions": plots.mosaic(
            reconstructed, title="real faces from 128 principal coordinates"
        ),
        **_evidence(pca, axes, real, pca_fakes, gan_fakes, arguments.seed),
    }
    for name in names:
        print(plots.save(figures[name], paths[name]))
    if arguments.show:
        plots.show(figures["chi2"])


def _evidence(pca, axes, real, pca_fakes, gan_fakes, seed):
    import numpy as np

    from gan.evaluation import metrics
    from gan.evaluation.pca import chi2_density, chi2_distance
    from gan.visualization import plots

    whitened = pca.coordinates(real, _COORDINATES)
    shuffled = np.random.default_rng(seed).permuted(whitened, axis=0)
    lengths = {}
    for name, pictures in (
        ("real", real),
        ("real, each coordinate shuffled", pca.pictures(shuffled)),
        ("PCA fakes", pca_fakes),
        ("GAN fakes", gan_fakes),
    ):
        coordinates = pca.coordinates(pictures, _COORDINATES)
        law, gap = chi2_distance(coordinates), metrics.chi2_gap(real, pictures, axes)
        distances = f"KS distance to χ² {law:.3f}, to real {gap:.3f}"
        lengths[f"{name}\n{distances}"] = (coordinates**2).sum(axis=1)
    x = np.linspace(1e-9, 150, 301)
    chi2 = plots.histograms_and_density(
        lengths,
        (x, chi2_density(x, _COORDINATES)),
        "density of χ²(49)",
        "sum of the squares of 49 whitened principal coordinates",
    )
    x = np.linspace(-4, 4, 201)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    histograms = plots.histograms_and_density(
        {str(i + 1): column for i, column in enumerate(whitened.T)},
        (x, normal),
        "density of N(0, 1)",
        "49 first principal coordinates of the real faces, whitened",
    )
    return {"histograms": histograms, "chi2": chi2}
