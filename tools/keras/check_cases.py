"""Computes every stored case again with the installed Keras and compares format and numbers.

    python tools/keras/check_cases.py [FOLDER]

The layer or model is made from the stored config, given the stored weights and inputs, and computed as `cases.py`
computes new cases; the JSON must have the same keys, the arrays the same names, types and shapes, and the numbers
must agree. Prints the largest difference of each kind; leaves with status 1 if a case differs.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

from article import ROOT, load_mnist
from case_files import read_case
from layer_cases import repeat_layer_case
from training_cases import repeat_training_case

import keras
import numpy as np
from safetensors.numpy import load_file

# Relative to the largest number of the array. Five steps of an optimizer that divides by the gradient's size carry
# another machine's rounding further than one call of a layer does.
LAYER_TOLERANCE = 1e-5
TRAINING_TOLERANCE = 2e-4


class Report:
    def __init__(self):
        self.largest = defaultdict(float)
        self.count = defaultdict(int)
        self.failures = []

    def expect(self, name, condition, message):
        if not condition:
            self.failures.append(f"{name}: {message}")

    def compare(self, kind, name, stored, computed, tolerance):
        """Two dictionaries of arrays."""
        self.count[kind] += 1
        self.expect(name, stored.keys() == computed.keys(), f"arrays {sorted(stored.keys() ^ computed.keys())}")
        for key in stored.keys() & computed.keys():
            a, b = stored[key], np.asarray(computed[key])
            if (a.dtype, a.shape) != (b.dtype, b.shape):
                self.expect(name, False, f"{key} is {a.dtype}{a.shape}, computed {b.dtype}{b.shape}")
                continue
            difference = float(np.max(np.abs(a - b), initial=0) / max(1.0, float(np.max(np.abs(a), initial=0))))
            self.largest[kind] = max(self.largest[kind], difference)
            self.expect(name, difference <= tolerance, f"{key} differs by {difference:.2e}")

    def print(self):
        for kind, count in self.count.items():
            print(f"{kind:28} {count:4} cases   largest difference {self.largest[kind]:.1e}")
        print("\n".join(self.failures) or "all equal")


def check_layers(folder, report):
    for path in sorted((folder / "layers").glob("*.json")):
        keras.backend.clear_session()
        facts, arrays = read_case(path)
        repeated, computed = repeat_layer_case(facts, arrays)
        kind = f"layers/{re.sub(r'_[0-9]+$', '', path.stem)}"
        report.expect(path.name, comparable(facts) == comparable(repeated), "the JSON differs")
        report.compare(kind, path.name, arrays, computed, LAYER_TOLERANCE)


def check_training(folder, report):
    for path in sorted((folder / "training").glob("*.json")):
        keras.backend.clear_session()
        facts, arrays = read_case(path)
        _, repeated, computed = repeat_training_case(facts, arrays)
        kind = f"training/{path.stem.split('_')[1]}"
        report.expect(path.name, facts.keys() == repeated.keys(), "the JSON has other keys")
        for key in facts.keys() - {"logs_after_each_step"}:
            report.expect(path.name, comparable(facts[key]) == comparable(repeated[key]), f"{key} differs")
        report.compare(kind, path.name, arrays, computed, TRAINING_TOLERANCE)
        logs = (
            {f"{key} after step {i}": np.float64(value) for i, log in enumerate(logs) for key, value in log.items()}
            for logs in (facts["logs_after_each_step"], repeated["logs_after_each_step"])
        )
        report.compare(f"{kind} logs", path.name, *logs, TRAINING_TOLERANCE)


def check_models(folder, report):
    for path in sorted((folder / "models").glob("[0-9]*.keras")):
        keras.backend.clear_session()
        stored = load_file(path.with_suffix(".safetensors"))
        predict = keras.saving.load_model(path).predict(stored["x"], verbose=0)
        report.compare("models", path.name, stored, {"x": stored["x"], "predict": predict}, LAYER_TOLERANCE)


def check_mnist(folder, report):
    path = folder / "models/mnist_cnn_trained.json"
    if not path.exists():
        return
    facts, stored = read_case(path)
    _, (images, labels) = load_mnist()
    model = keras.saving.load_model(path.with_suffix(".keras"))
    computed = {"predict": model.predict(images[:256], verbose=0)}
    key = "evaluate_mnist_test"
    stored[key], computed[key] = np.array(facts[key]), np.array(model.evaluate(images, labels, verbose=0))
    report.compare("models/mnist_cnn_trained", path.name, stored, computed, LAYER_TOLERANCE)


def comparable(facts):
    """Facts as JSON holds them, without what differs from session to session: Keras counts the names of objects up,
    paths of weights begin with such a name, and shared objects are numbered by their address."""
    if isinstance(facts, dict):
        return {key: comparable(value) for key, value in facts.items() if key not in ("path", "shared_object_id")}
    if isinstance(facts, list | tuple):
        return [comparable(value) for value in facts]
    return facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "test/fixtures/keras")
    folder = parser.parse_args().folder
    report = Report()
    for check in (check_layers, check_training, check_models, check_mnist):
        check(folder, report)
    report.print()
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
