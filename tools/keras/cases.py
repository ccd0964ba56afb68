"""Draws cases and lets Keras compute them: layers, training steps, saved models.

    python tools/keras/cases.py --out FOLDER                                all kinds, 12 cases a kind, 40 of training
    python tools/keras/cases.py --out FOLDER --parts layers --kinds conv2d noise --first 12 --count 8
    python tools/keras/cases.py --out FOLDER --parts mnist                  the article's network after two epochs

Writes `layers/`, `training/` and `models/` in the format of `test/fixtures/keras/README.md`, and `about.json`.
A case depends on the seed, its kind and its number alone, so a larger set holds the smaller one.
"""

import argparse
import json
import platform
import zlib
from pathlib import Path

from article import MNIST, fit_article_network, load_mnist
from case_files import write_case
from layer_cases import KINDS, draw_layer_case
from training_cases import draw_training_case, training_case_name

import keras
import numpy as np
import tensorflow as tf


def fresh(seed, kind, number):
    """The generator of a case; Keras's own random numbers and its counters of names start anew as well."""
    words = [seed, zlib.crc32(kind.encode()), number]
    keras.backend.clear_session()
    keras.utils.set_random_seed(zlib.crc32(repr(words).encode()))
    return np.random.default_rng(words)


def write_layers(out, seed, kinds, numbers):
    for kind in kinds:
        for number in numbers:
            facts, arrays = draw_layer_case(kind, number, fresh(seed, kind, number))
            write_case(out / "layers", f"{kind}_{number:02}", facts, arrays)
        print(f"layers/{kind}", flush=True)


def write_training(out, seed, numbers):
    for number in numbers:
        name = training_case_name(number)
        model, facts, arrays = draw_training_case(number, fresh(seed, "training", number))
        write_case(out / "training", name, facts, arrays)
        write_case(out / "models", name, None, {"x": arrays["x.0"], "predict": arrays["predict"]})
        model.save(out / "models" / f"{name}.keras")
        print(f"training/{name}", flush=True)


def write_mnist(out, seed, folder):
    training, (images, labels) = load_mnist(folder)
    fresh(seed, "mnist", 0)
    model, _ = fit_article_network(*training, epochs=2)
    facts = {
        "evaluate_mnist_test": model.evaluate(images, labels, verbose=0),
        "predict": "first 256 test images, raw 0..255 pixels",
    }
    write_case(out / "models", "mnist_cnn_trained", facts, {"predict": model.predict(images[:256], verbose=0)})
    model.save(out / "models/mnist_cnn_trained.keras")
    print("models/mnist_cnn_trained", flush=True)


def write_about(out, seed):
    about = {
        "keras": keras.__version__,
        "backend": f"tensorflow {tf.__version__}",
        "numpy": np.__version__,
        "python": platform.python_version(),
        "seed": seed,
        "dtype": "float32",
    }
    (out / "about.json").write_text(json.dumps(about) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=("layers", "training", "mnist"), default=["layers", "training"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=" ".join(KINDS))
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--count", type=int, help="cases a kind of layer (12), or of training (40)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder of the IDX files")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    write_about(options.out, options.seed)
    if "layers" in options.parts:
        numbers = range(options.first, options.first + (options.count or 12))
        write_layers(options.out, options.seed, options.kinds, numbers)
    if "training" in options.parts:
        write_training(options.out, options.seed, range(options.first, options.first + (options.count or 40)))
    if "mnist" in options.parts:
        write_mnist(options.out, options.seed, options.mnist)


if __name__ == "__main__":
    main()
