"""What Keras itself reaches on MNIST with the article's network: the numbers tsuno is held against.

    python tools/keras/accuracy.py [IDX_FOLDER] [--seeds 1 2 3 4 5] [--epochs 5] [--out FILE]

The network and its training are the article's: Rescaling, three times Conv2D and MaxPooling2D, Flatten, Dropout,
Dense; Adam, batches of 32, 5 epochs; the first 12,000 training images validate, the other 48,000 train. A seed
decides the initial weights, the order of the images and the dropout.

Writes `test/fixtures/keras/accuracy.json`: per seed the history of the epochs and loss and accuracy on the 10,000
test images; over the seeds mean and sample standard deviation; and the versions. Seconds are of whatever machine
ran this, shared with other work, and are no benchmark.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

from article import MNIST, ROOT, VALIDATION, fit_article_network, load_mnist

import keras
import numpy as np
import tensorflow as tf


class EpochSeconds(keras.callbacks.Callback):
    """Wall-clock seconds of each epoch, validation included."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


def train(seed, training, test, epochs):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    clock = EpochSeconds()
    model, history = fit_article_network(*training, epochs, callbacks=[clock])
    return {
        "seed": seed,
        "test": model.evaluate(*test, batch_size=32, verbose=0, return_dict=True),
        "history": history,
        "seconds_per_epoch": clock.seconds,
    }


def spread(values):
    return {
        "mean": statistics.fmean(values),
        "standard_deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
    }


def report(runs, epochs):
    if len({run["test"]["loss"] for run in runs}) != len(runs):
        raise SystemExit("two seeds gave the same loss: the seeds are not in effect")
    seconds = [second for run in runs for second in run["seconds_per_epoch"]]
    return {
        "about": "The article's network trained by Keras on MNIST, one run a seed; made by tools/keras/accuracy.py.",
        "versions": {
            "keras": keras.__version__,
            "backend": f"tensorflow {tf.__version__}",
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "training": {
            "optimizer": "adam",
            "loss": "sparse_categorical_crossentropy",
            "batch_size": 32,
            "epochs": epochs,
            "validation": f"the first {VALIDATION} training images",
        },
        "test_loss": spread([run["test"]["loss"] for run in runs]),
        "test_accuracy": spread([run["test"]["accuracy"] for run in runs]),
        "seconds_per_epoch": {
            "mean": statistics.fmean(seconds),
            "measured_in_isolation": False,
        },
        "runs": runs,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=MNIST)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "test/fixtures/keras/accuracy.json")
    options = parser.parse_args()

    training, test = load_mnist(options.folder)
    runs = []
    for seed in options.seeds:
        runs.append(train(seed, training, test, options.epochs))
        print(f"seed {seed}: {runs[-1]['test']}", flush=True)
    options.out.write_text(json.dumps(report(runs, options.epochs), indent=1) + "\n")


if __name__ == "__main__":
    main()
