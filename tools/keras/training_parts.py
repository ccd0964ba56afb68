"""Numbers for losses, metrics, optimizers and schedules, each alone, computed by Keras.

    python tools/keras/training_parts.py [--out FOLDER]

Writes `losses.json`, `metrics.json`, `optimizers.json` and `schedules.json` into test/fixtures/keras/parts: lists of
cases, each with the object as Keras serialises it, the inputs, and what Keras gives.
"""

import argparse
import json
from pathlib import Path

from article import ROOT

import keras
import numpy as np
import tensorflow as tf
from keras import losses, metrics, optimizers
from keras.optimizers import schedules

ROWS, CLASSES = 5, 4


def rounded(array):
    """Lists of the shortest decimals that give the same float32."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array.tolist()
    return np.vectorize(lambda x: float(str(np.float32(x))), otypes=[object])(array).tolist()


class Draw:
    """Labels and predictions of each kind, from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def labels(self, kind, rows=ROWS, width=CLASSES):
        rng = self.rng
        classes = rng.integers(0, width, rows).astype("int32")
        return {
            "classes": lambda: classes,
            "column": lambda: classes[:, None],
            "one_hot": lambda: np.eye(width, dtype="f")[classes],
            "several": lambda: rng.integers(0, 2, (rows, width)).astype("f"),
            "binary": lambda: rng.integers(0, 2, (rows, 1)).astype("f"),
            "flat_binary": lambda: rng.integers(0, 2, rows).astype("f"),
            "signs": lambda: (2 * rng.integers(0, 2, (rows, width)) - 1).astype("f"),
            "values": lambda: rng.uniform(0.1, 2, (rows, width)).astype("f"),
        }[kind]()

    def logits(self, rows=ROWS, width=CLASSES):
        return self.rng.normal(size=(rows, width)).astype("f")

    def predictions(self, kind, rows=ROWS, width=CLASSES):
        logits = self.logits(rows, width)
        return {
            "logits": lambda: logits,
            "softmax": lambda: keras.ops.convert_to_numpy(keras.ops.softmax(logits)),
            "sigmoid": lambda: keras.ops.convert_to_numpy(keras.ops.sigmoid(logits)),
            "positive": lambda: np.abs(logits) + np.float32(0.1),
            "unit": lambda: (logits / np.linalg.norm(logits, axis=1, keepdims=True)).astype("f"),
            "unscaled": lambda: (np.abs(logits) / 4 + np.float32(0.01)).astype("f"),
        }[kind]()


# A loss, its labels, its predictions, and whether an activation inside the graph makes them from logits.
LOSSES = [
    *[
        (losses.SparseCategoricalCrossentropy(**options), labels, predictions, activation)
        for options, labels, predictions, activation in (
            ({"from_logits": True}, "classes", "logits", None),
            ({"from_logits": True}, "column", "logits", None),
            ({}, "classes", "softmax", None),
            ({}, "classes", "unscaled", None),
            ({}, "classes", "logits", "softmax"),
            ({"from_logits": True, "ignore_class": 1}, "classes", "logits", None),
            ({"ignore_class": 1}, "classes", "softmax", None),
            ({"ignore_class": 1, "reduction": "sum"}, "classes", "softmax", None),
        )
    ],
    *[
        (losses.CategoricalCrossentropy(**options), "one_hot", predictions, activation)
        for options, predictions, activation in (
            ({"from_logits": True}, "logits", None),
            ({"from_logits": True, "label_smoothing": 0.1}, "logits", None),
            ({}, "softmax", None),
            ({"label_smoothing": 0.2}, "unscaled", None),
            ({}, "logits", "softmax"),
            ({"label_smoothing": 0.3}, "logits", "softmax"),
        )
    ],
    (losses.CategoricalFocalCrossentropy(), "one_hot", "softmax", None),
    (losses.CategoricalFocalCrossentropy(), "one_hot", "logits", "softmax"),
    (losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=1.5, label_smoothing=0.1), "one_hot", "unscaled", None),
    (losses.CategoricalFocalCrossentropy(from_logits=True, gamma=3.0), "one_hot", "logits", None),
    (losses.CategoricalGeneralizedCrossEntropy(q=0.7), "classes", "softmax", None),
    *[
        (losses.BinaryCrossentropy(**options), labels, predictions, activation)
        for options, labels, predictions, activation in (
            ({"from_logits": True}, "several", "logits", None),
            ({"from_logits": True, "label_smoothing": 0.2}, "several", "logits", None),
            ({}, "several", "sigmoid", None),
            ({}, "several", "logits", "sigmoid"),
            ({"axis": 0}, "several", "sigmoid", None),
        )
    ],
    (losses.BinaryFocalCrossentropy(), "several", "sigmoid", None),
    (losses.BinaryFocalCrossentropy(), "several", "logits", "sigmoid"),
    (
        losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=1.5, label_smoothing=0.1),
        "several",
        "sigmoid",
        None,
    ),
    (losses.BinaryFocalCrossentropy(from_logits=True), "several", "logits", None),
    (losses.MeanSquaredError(), "values", "logits", None),
    (losses.MeanAbsoluteError(), "values", "logits", None),
    (losses.MeanAbsolutePercentageError(), "values", "logits", None),
    (losses.MeanSquaredLogarithmicError(), "values", "positive", None),
    (losses.MeanSquaredLogarithmicError(), "values", "logits", None),
    (losses.Huber(), "values", "logits", None),
    (losses.Huber(delta=0.3), "values", "logits", None),
    (losses.LogCosh(), "values", "logits", None),
    (losses.Poisson(), "values", "positive", None),
    (losses.KLDivergence(), "one_hot", "softmax", None),
    (losses.CosineSimilarity(), "values", "logits", None),
    (losses.CosineSimilarity(axis=0), "values", "logits", None),
    (losses.Hinge(), "signs", "logits", None),
    (losses.Hinge(), "several", "logits", None),
    (losses.SquaredHinge(), "signs", "logits", None),
    (losses.CategoricalHinge(), "one_hot", "logits", None),
    (losses.Dice(), "one_hot", "softmax", None),
    (losses.Dice(axis=-1), "one_hot", "softmax", None),
    (losses.Tversky(alpha=0.3, beta=0.6), "one_hot", "softmax", None),
    (losses.Tversky(alpha=0.3, beta=0.6, axis=[1]), "one_hot", "softmax", None),
    (losses.Circle(gamma=3.0), "classes", "unit", None),
    (losses.Circle(gamma=2.0, margin=0.3, remove_diagonal=False), "column", "unit", None),
]
REDUCTIONS = ["sum", "mean", "mean_with_sample_weight", "none"]


def loss_case(loss, labels, predictions, activation, seed, weighted):
    draw = Draw(seed)
    width = 1 if labels in ("binary", "flat_binary") else CLASSES
    y_true, y_pred = draw.labels(labels), draw.predictions(predictions, width=width)
    weight = draw.rng.random(ROWS).astype("f") if weighted else None
    variable = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        output = getattr(keras.activations, activation)(variable) if activation else variable
        value = loss(y_true, output, sample_weight=weight)
    return {
        "loss": losses.serialize(loss) | {"config": loss_config(loss)},
        "y_true": rounded(y_true),
        "label_type": str(y_true.dtype),
        "y_pred": rounded(y_pred),
        "activation": activation,
        "sample_weight": None if weight is None else rounded(weight),
        "value": rounded(value.numpy()),
        "gradient": rounded(tape.gradient(value, variable).numpy()),
    }


def loss_config(loss):
    """Keras leaves some arguments out of `get_config`; the wrapper keeps them."""
    return {**loss.get_config(), **getattr(loss, "_fn_kwargs", {})}


def loss_cases():
    cases = []
    for number, (loss, *kinds) in enumerate(LOSSES):
        cases.append(loss_case(loss, *kinds, seed=number, weighted=False))
        if "axis" not in loss_config(loss) or loss_config(loss)["axis"] == -1:
            cases.append(loss_case(loss, *kinds, seed=100 + number, weighted=True))
    for number, reduction in enumerate(REDUCTIONS):
        for weighted in (False, True):
            seed = 200 + 2 * number + weighted
            sparse = losses.SparseCategoricalCrossentropy(reduction=reduction)
            cases.append(loss_case(sparse, "classes", "logits", "softmax", seed, weighted))
            ignoring = losses.SparseCategoricalCrossentropy(reduction=reduction, ignore_class=2)
            cases.append(loss_case(ignoring, "classes", "softmax", None, seed, weighted))
            flat = losses.BinaryCrossentropy(reduction=reduction)
            cases.append(loss_case(flat, "flat_binary", "sigmoid", None, seed, weighted))
    return cases


WRITERS = {"losses": loss_cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "test" / "fixtures" / "keras" / "parts")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, cases in WRITERS.items():
        lines = ",\n".join(json.dumps(case) for case in cases())
        (out / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        print(f"{name}: {lines.count(chr(10)) + 1} cases")


if __name__ == "__main__":
    main()
