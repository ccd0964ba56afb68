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
            "ones": lambda: (logits > 0).astype("f"),
            "classes": lambda: self.labels("classes", rows, width),
            "sorted": lambda: np.argsort(-logits, axis=1).astype("f"),
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


# A metric, its labels and its predictions; the state grows over three batches.
METRICS = [
    (lambda: metrics.Accuracy(), "several", "ones"),
    (lambda: metrics.BinaryAccuracy(), "several", "sigmoid"),
    (lambda: metrics.BinaryAccuracy(threshold=0.3), "flat_binary", "sigmoid"),
    (lambda: metrics.CategoricalAccuracy(), "one_hot", "softmax"),
    (lambda: metrics.SparseCategoricalAccuracy(), "classes", "softmax"),
    (lambda: metrics.SparseCategoricalAccuracy(), "column", "softmax"),
    (lambda: metrics.TopKCategoricalAccuracy(k=2), "one_hot", "softmax"),
    (lambda: metrics.SparseTopKCategoricalAccuracy(k=2), "classes", "softmax"),
    (lambda: metrics.SparseTopKCategoricalAccuracy(k=3, from_sorted_ids=True), "classes", "sorted"),
    (lambda: metrics.MeanSquaredError(), "values", "logits"),
    (lambda: metrics.RootMeanSquaredError(), "values", "logits"),
    (lambda: metrics.MeanAbsoluteError(), "values", "logits"),
    (lambda: metrics.MeanAbsolutePercentageError(), "values", "logits"),
    (lambda: metrics.MeanSquaredLogarithmicError(), "values", "positive"),
    (lambda: metrics.LogCoshError(), "values", "logits"),
    (lambda: metrics.CosineSimilarity(), "values", "logits"),
    (lambda: metrics.Poisson(), "values", "positive"),
    (lambda: metrics.KLDivergence(), "one_hot", "softmax"),
    (lambda: metrics.Hinge(), "signs", "logits"),
    (lambda: metrics.SquaredHinge(), "signs", "logits"),
    (lambda: metrics.CategoricalHinge(), "one_hot", "logits"),
    (lambda: metrics.BinaryCrossentropy(label_smoothing=0.1), "several", "sigmoid"),
    (lambda: metrics.BinaryCrossentropy(from_logits=True), "several", "logits"),
    (lambda: metrics.CategoricalCrossentropy(label_smoothing=0.1), "one_hot", "softmax"),
    (lambda: metrics.SparseCategoricalCrossentropy(), "classes", "softmax"),
    (lambda: metrics.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1), "classes", "logits"),
    (lambda: metrics.PearsonCorrelation(), "values", "logits"),
    (lambda: metrics.PearsonCorrelation(axis=0), "values", "logits"),
    (lambda: metrics.ConcordanceCorrelation(), "values", "logits"),
    (lambda: metrics.R2Score(), "values", "logits"),
    (lambda: metrics.R2Score(class_aggregation=None), "values", "logits"),
    (lambda: metrics.R2Score(class_aggregation="variance_weighted_average", num_regressors=2), "values", "logits"),
    (lambda: metrics.TruePositives(), "several", "sigmoid"),
    (lambda: metrics.TrueNegatives(thresholds=[0.3, 0.6]), "several", "sigmoid"),
    (lambda: metrics.FalsePositives(thresholds=[0.0, 0.5, 1.0]), "several", "sigmoid"),
    (lambda: metrics.FalseNegatives(), "flat_binary", "sigmoid"),
    (lambda: metrics.Precision(), "several", "sigmoid"),
    (lambda: metrics.Precision(thresholds=[0.2, 0.7]), "several", "sigmoid"),
    (lambda: metrics.Precision(top_k=2), "several", "softmax"),
    (lambda: metrics.Precision(class_id=1), "several", "sigmoid"),
    (lambda: metrics.Recall(), "several", "sigmoid"),
    (lambda: metrics.Recall(top_k=2, class_id=3), "several", "softmax"),
    (lambda: metrics.F1Score(), "one_hot", "softmax"),
    (lambda: metrics.F1Score(average="macro"), "one_hot", "softmax"),
    (lambda: metrics.F1Score(average="micro", threshold=0.4), "several", "sigmoid"),
    (lambda: metrics.F1Score(average="weighted", threshold=0.4), "several", "sigmoid"),
    (lambda: metrics.FBetaScore(beta=2.0, average="weighted"), "one_hot", "softmax"),
    (lambda: metrics.SensitivityAtSpecificity(0.6, num_thresholds=20), "several", "sigmoid"),
    (lambda: metrics.SpecificityAtSensitivity(0.6), "several", "sigmoid"),
    (lambda: metrics.PrecisionAtRecall(0.5), "several", "sigmoid"),
    (lambda: metrics.RecallAtPrecision(0.5, class_id=2), "several", "sigmoid"),
    (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=1), "several", "sigmoid"),
    (lambda: metrics.AUC(), "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, curve="PR"), "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, curve="PR", summation_method="majoring"), "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, summation_method="minoring", from_logits=True), "several", "logits"),
    (lambda: metrics.AUC(num_thresholds=20, curve="PRGAIN"), "several", "sigmoid"),
    (lambda: metrics.AUC(thresholds=[0.1, 0.45, 0.8]), "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, multi_label=True), "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, multi_label=True, curve="PR", label_weights=[1.0, 2.0, 0.5, 1.0]),
     "several", "sigmoid"),
    (lambda: metrics.AUC(num_thresholds=20, label_weights=[1.0, 2.0, 0.5, 1.0]), "several", "sigmoid"),
    (lambda: metrics.IoU(CLASSES, [0, 2]), "classes", "classes"),
    (lambda: metrics.IoU(CLASSES, [0, 2], ignore_class=1, sparse_y_pred=False), "classes", "softmax"),
    (lambda: metrics.MeanIoU(CLASSES), "classes", "classes"),
    (lambda: metrics.BinaryIoU(threshold=0.4), "flat_binary", "sigmoid"),
    (lambda: metrics.OneHotIoU(CLASSES, [1, 3]), "one_hot", "softmax"),
    (lambda: metrics.OneHotMeanIoU(CLASSES), "one_hot", "softmax"),
]


def metric_case(make, labels, predictions, seed, weighted):
    draw, metric = Draw(seed), make()
    width = 1 if labels == "flat_binary" else CLASSES
    batches = []
    for rows in (ROWS, ROWS, 2):
        y_true, y_pred = draw.labels(labels, rows), draw.predictions(predictions, rows, width)
        weight = draw.rng.random(rows).astype("f") if weighted else None
        if weighted and isinstance(metric, metrics.IoU):
            weight = np.floor(4 * weight)
        metric.update_state(y_true, y_pred, sample_weight=weight)
        batches.append(
            {
                "y_true": rounded(y_true),
                "y_pred": rounded(y_pred),
                "sample_weight": None if weight is None else rounded(weight),
                "result": rounded(np.asarray(metric.result())),
            }
        )
    return {
        "metric": metrics.serialize(metric),
        "label_type": str(y_true.dtype),
        "batches": batches,
        "variables": [rounded(np.asarray(variable, "f")) for variable in metric.variables],
    }


def metric_cases():
    # Correlations over rows do not take weights of rows.
    return [
        metric_case(*row, seed=1000 + 2 * number + weighted, weighted=weighted)
        for number, row in enumerate(METRICS)
        for weighted in (False, True)
        if not (weighted and getattr(row[0](), "axis", -1) == 0)
    ]


def common(**options):
    """Each option that all optimizers have, on two of them."""
    return [lambda: optimizers.SGD(0.1, momentum=0.9, **options), lambda: optimizers.Adam(0.01, **options)]


OPTIMIZERS = [
    lambda: optimizers.SGD(),
    lambda: optimizers.SGD(0.05, momentum=0.9),
    lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    lambda: optimizers.Adam(),
    lambda: optimizers.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-4, amsgrad=True),
    lambda: optimizers.AdamW(0.01),
    lambda: optimizers.Adamax(0.01),
    lambda: optimizers.Nadam(0.01),
    lambda: optimizers.RMSprop(),
    lambda: optimizers.RMSprop(0.01, rho=0.8, momentum=0.9, centered=True),
    lambda: optimizers.Adagrad(0.1),
    lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.0),
    lambda: optimizers.Adadelta(1.0, rho=0.9),
    lambda: optimizers.Lion(),
    lambda: optimizers.Ftrl(0.1),
    lambda: optimizers.Ftrl(
        0.1,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.02,
        l2_shrinkage_regularization_strength=0.03,
        beta=0.1,
    ),
    lambda: optimizers.Ftrl(0.1, learning_rate_power=-0.7),
    lambda: keras.src.optimizers.lamb.Lamb(0.01),
    lambda: optimizers.Adafactor(0.01),
    lambda: optimizers.Adafactor(0.5, relative_step=False, clip_threshold=0.5),
    *common(weight_decay=0.1),
    *common(clipnorm=0.5),
    *common(clipvalue=0.3),
    *common(global_clipnorm=0.7),
    *common(use_ema=True, ema_momentum=0.9),
    *common(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2),
    *common(gradient_accumulation_steps=2),
    *common(gradient_accumulation_steps=2, weight_decay=0.1, clipnorm=0.5, use_ema=True, ema_overwrite_frequency=2),
    lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=2),
    *common(loss_scale_factor=4.0),
    lambda: optimizers.Adam(schedules.ExponentialDecay(0.01, 2, 0.5)),
    lambda: optimizers.SGD(schedules.CosineDecay(0.01, 3, warmup_target=0.1, warmup_steps=2), weight_decay=0.1),
    lambda: optimizers.Muon(0.01),
    lambda: optimizers.Muon(0.01, nesterov=False, rms_rate=None, ns_steps=3, weight_decay=None, adam_lr_ratio=0.1),
    lambda: optimizers.Muon(0.01, exclude_layers=["weight_0"], adam_weight_decay=0.1),
    lambda: optimizers.ScheduleFreeAdamW(),
    lambda: optimizers.ScheduleFreeAdamW(0.1, beta_1=0.8, warmup_steps=3, weight_decay=0.1),
    lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(
            optimizers.SGD(0.1, momentum=0.9),
            {"weight_1": optimizers.Adam(0.01), ".*_2": optimizers.RMSprop(0.01, use_ema=True)},
        )
    ),
]
SHAPES = [(3, 2), (2,), (2, 2, 1, 3)]
STEPS = 5


def optimizer_case(make, seed):
    rng, optimizer = np.random.default_rng(seed), make()
    constraints = [None, keras.constraints.NonNeg(), None]
    weights = []
    for i, (shape, constraint) in enumerate(zip(SHAPES, constraints, strict=True)):
        initial = rng.normal(size=shape).astype("f")
        weights.append(keras.Variable(np.abs(initial) if constraint else initial, name=f"weight_{i}"))
        weights[-1].constraint = constraint
    optimizer.build(weights)
    case = {
        "optimizer": optimizers.serialize(optimizer),
        "variables": [
            {"path": variable.path, "shape": list(variable.shape), "initial": values(variable)}
            for variable in optimizer.variables
        ],
        "weights": [{"shape": list(weight.shape), "initial": values(weight)} for weight in weights],
        "steps": [],
    }
    for _ in range(STEPS):
        gradients = [rng.normal(size=shape).astype("f") for shape in SHAPES]
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], weights)
        case["steps"].append(
            {
                "gradients": [rounded(gradient.ravel()) for gradient in gradients],
                "weights": [values(weight) for weight in weights],
                "variables": [values(variable) for variable in optimizer.variables],
            }
        )
    optimizer.finalize_variable_values(weights)
    case["final"] = [values(weight) for weight in weights]
    return case


def values(variable):
    return rounded(np.asarray(variable).ravel())


def optimizer_cases():
    return [optimizer_case(make, 2000 + number) for number, make in enumerate(OPTIMIZERS)]


SCHEDULES = [
    schedules.ExponentialDecay(0.1, 10, 0.9),
    schedules.ExponentialDecay(0.1, 7, 0.5, staircase=True),
    schedules.InverseTimeDecay(0.1, 10, 0.5),
    schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([5], [0.1, 0.01]),
    schedules.PiecewiseConstantDecay([5, 20, 60], [0.1, 0.05, 0.01, 0.001]),
    schedules.PolynomialDecay(0.1, 50),
    schedules.PolynomialDecay(0.1, 50, end_learning_rate=0.01, power=2.0),
    schedules.PolynomialDecay(0.1, 30, power=0.5, cycle=True),
    schedules.CosineDecay(0.1, 50),
    schedules.CosineDecay(0.1, 50, alpha=0.1),
    schedules.CosineDecay(0.01, 50, warmup_target=0.1, warmup_steps=10),
    schedules.CosineDecayRestarts(0.1, 10),
    schedules.CosineDecayRestarts(0.1, 10, t_mul=1.5, m_mul=0.8, alpha=0.05),
    schedules.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.9),
]
AT = [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 14, 20, 21, 29, 30, 31, 49, 50, 51, 60, 61, 70, 99, 100, 150, 1000]


def schedule_cases():
    return [
        {
            "schedule": schedules.serialize(schedule),
            "steps": AT,
            "rates": [rounded(np.asarray(schedule(step))) for step in AT],
        }
        for schedule in SCHEDULES
    ]


WRITERS = {
    "losses": loss_cases,
    "metrics": metric_cases,
    "optimizers": optimizer_cases,
    "schedules": schedule_cases,
}


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
