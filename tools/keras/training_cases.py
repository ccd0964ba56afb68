"""Cases of a compiled model and five `train_on_batch` steps.

A case number picks a network, an optimizer, and a loss with its labels and metrics, each going round its own list;
every fifth case has sample weights and every fifth, where the labels are classes, class weights.
"""

import copy
import json
from dataclasses import dataclass, field

import keras
import numpy as np
from case_files import numbered, take_numbered
from keras import layers, losses, metrics, optimizers
from keras.optimizers import schedules

STEPS = 5


def seed(x):
    """The article's network, small: seed of everything else."""
    x = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, activation="relu")(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, activation="relu")(x))
    return layers.Flatten()(x)


def avg(x):
    x = layers.AveragePooling2D(2)(layers.Conv2D(6, 5, padding="same", activation="tanh")(x))
    return layers.Flatten()(layers.Conv2D(8, 3, strides=2, activation="sigmoid")(x))


def bn(x):
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    x = layers.BatchNormalization()(layers.Conv2D(12, 3)(layers.MaxPooling2D(2)(x)))
    return layers.GlobalAveragePooling2D()(layers.Activation("relu")(x))


def res(x):
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(layers.Add()([x, y]))
    short, long = layers.Conv2D(12, 1, strides=2)(x), layers.Conv2D(12, 3, strides=2, padding="same")(x)
    return layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([long, short])))


def sep(x):
    x = layers.SeparableConv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.GlobalMaxPooling2D()(layers.DepthwiseConv2D(3, activation="relu")(x))


def branch(x):
    branches = [
        layers.Conv2D(4, 1, padding="same", activation="relu")(x),
        layers.Conv2D(4, 3, padding="same", activation="elu")(x),
        layers.MaxPooling2D(3, strides=1, padding="same")(x),
    ]
    return layers.Flatten()(layers.MaxPooling2D(2)(layers.Concatenate()(branches)))


def mlp(x):
    x = layers.LayerNormalization()(layers.Dense(24, activation="gelu")(layers.Flatten()(x)))
    return layers.Dense(16, activation="silu", kernel_regularizer="l2")(x)


NETWORKS = (seed, avg, bn, res, sep, branch, mlp)

OPTIMIZERS = (
    lambda: optimizers.SGD(0.05),
    lambda: optimizers.SGD(0.05, momentum=0.9),
    lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    lambda: optimizers.Adam(),
    lambda: optimizers.Adam(0.01, amsgrad=True),
    lambda: optimizers.AdamW(0.003, weight_decay=0.01),
    lambda: optimizers.Adamax(0.01),
    lambda: optimizers.Nadam(0.005),
    lambda: optimizers.RMSprop(0.002),
    lambda: optimizers.RMSprop(0.002, momentum=0.9, centered=True),
    lambda: optimizers.Adagrad(0.05),
    lambda: optimizers.Adadelta(1.0),
    lambda: optimizers.Lion(0.001),
    lambda: optimizers.Ftrl(0.05, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
    lambda: optimizers.Lamb(0.01),
    lambda: optimizers.Adafactor(0.01),
    lambda: optimizers.Adam(0.01, clipnorm=0.5),
    lambda: optimizers.Adam(0.01, clipvalue=0.05),
    lambda: optimizers.SGD(0.1, global_clipnorm=0.3),
    lambda: optimizers.SGD(0.05, weight_decay=0.02),
    lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2),
    lambda: optimizers.Adam(schedules.ExponentialDecay(0.01, 2, 0.5)),
    lambda: optimizers.SGD(schedules.CosineDecay(0.01, 4, warmup_target=0.1, warmup_steps=2)),
    lambda: optimizers.SGD(schedules.PiecewiseConstantDecay([1, 3], [0.1, 0.05, 0.01])),
    lambda: optimizers.Adam(schedules.CosineDecayRestarts(0.01, 2)),
    lambda: optimizers.SGD(schedules.PolynomialDecay(0.1, 4, power=2.0)),
    lambda: optimizers.SGD(schedules.InverseTimeDecay(0.1, 2, 0.5, staircase=True)),
)


@dataclass
class Objective:
    """A loss with the labels it wants, the activation before it, and metrics that fit."""

    loss: object
    labels: str  # classes · one_hot · several (0 or 1 each) · signs (-1 or 1) · values (positive)
    activation: str | None = None
    metrics: list = field(default_factory=list)


OBJECTIVES = (
    lambda: Objective("sparse_categorical_crossentropy", "classes", "softmax", ["accuracy"]),
    lambda: Objective(
        "categorical_crossentropy", "one_hot", "softmax", ["accuracy", metrics.TopKCategoricalAccuracy(k=2)]
    ),
    lambda: Objective(
        losses.SparseCategoricalCrossentropy(from_logits=True),
        "classes",
        None,
        ["accuracy", metrics.SparseTopKCategoricalAccuracy(k=2)],
    ),
    lambda: Objective(
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), "one_hot", None, ["accuracy"]
    ),
    lambda: Objective("binary_crossentropy", "several", "sigmoid", ["accuracy"]),
    lambda: Objective(
        losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        "several",
        None,
        [metrics.BinaryAccuracy(threshold=0.0)],
    ),
    lambda: Objective("binary_focal_crossentropy", "several", "sigmoid", [metrics.Precision(), metrics.Recall()]),
    lambda: Objective("categorical_focal_crossentropy", "one_hot", "softmax", [metrics.F1Score(average="macro")]),
    lambda: Objective("mean_squared_error", "values", None, ["mae"]),
    lambda: Objective("mean_absolute_error", "values", None, ["mse"]),
    # Keras 3.15.1 forgets another delta in its config, so that only the default travels.
    lambda: Objective(losses.Huber(), "values", None, [metrics.RootMeanSquaredError()]),
    lambda: Objective("log_cosh", "values", None, [metrics.LogCoshError()]),
    lambda: Objective("poisson", "values", "softplus", [metrics.Poisson()]),
    lambda: Objective("kl_divergence", "one_hot", "softmax", [metrics.KLDivergence()]),
    lambda: Objective("cosine_similarity", "values", None, [metrics.CosineSimilarity()]),
    lambda: Objective("hinge", "signs", "tanh", [metrics.Hinge()]),
    lambda: Objective("squared_hinge", "signs", "tanh", [metrics.SquaredHinge()]),
    lambda: Objective("categorical_hinge", "one_hot", "softmax", [metrics.CategoricalHinge()]),
    lambda: Objective("mean_squared_logarithmic_error", "values", "softplus", ["mae"]),
    lambda: Objective(losses.MeanAbsolutePercentageError(), "values", None, ["mae"]),
    lambda: Objective("dice", "one_hot", "softmax", ["accuracy"]),
    lambda: Objective(losses.CategoricalGeneralizedCrossEntropy(q=0.5), "classes", "softmax", ["accuracy"]),
    lambda: Objective(losses.Tversky(alpha=0.3, beta=0.7), "one_hot", "softmax", [metrics.AUC(num_thresholds=20)]),
)


def training_case_name(number):
    return f"{number:02}_{NETWORKS[number % len(NETWORKS)].__name__}"


def draw_training_case(number, rng):
    """A new case: its model, trained, with the facts and arrays."""
    shape = (int(rng.choice((12, 14))), 12, int(rng.choice((1, 3))))
    classes, batch = int(rng.choice((3, 5, 10))), int(rng.choice((4, 8, 16)))
    objective = OBJECTIVES[number % len(OBJECTIVES)]()
    inputs = keras.Input(shape)
    features = NETWORKS[number % len(NETWORKS)](inputs)
    model = keras.Model(inputs, layers.Dense(classes, activation=objective.activation)(features))
    compilation = {
        "optimizer": OPTIMIZERS[number % len(OPTIMIZERS)](),
        "loss": objective.loss,
        "metrics": objective.metrics,
    }
    class_weight = None
    if number % 5 == 3 and objective.labels in ("classes", "one_hot"):
        class_weight = {label: 0.5 + 0.25 * label for label in range(classes)}
    batches = {
        "x": [rng.standard_normal((batch, *shape)).astype("f") for _ in range(STEPS)],
        "y": [draw_labels(objective.labels, batch, classes, rng) for _ in range(STEPS)],
    }
    if number % 5 == 4:
        batches["sample_weight"] = [rng.random(batch).astype("f") for _ in range(STEPS)]
    return compute_training_case(model, compilation, class_weight, batches)


def repeat_training_case(facts, arrays):
    """A stored case computed again: its model and compilation from the configs, weights and batches as stored."""
    model = deserialize({key: value for key, value in facts["model"].items() if key != "compile_config"})
    model.set_weights(take_numbered("weights", arrays))
    class_weight = facts["class_weight"] and {int(label): weight for label, weight in facts["class_weight"].items()}
    batches = {key: take_numbered(key, arrays) for key in ("x", "y", "sample_weight")}
    compilation = deserialize(facts["compile"])
    return compute_training_case(model, compilation, class_weight, {k: v for k, v in batches.items() if v})


def compute_training_case(model, compilation, class_weight, batches):
    compile_facts = serialize(compilation)  # before the metrics count and the learning rate moves
    model.compile(**compilation)
    description = to_json(model)
    before = [weight.numpy() for weight in model.weights]
    weights = batches.get("sample_weight", [None] * STEPS)
    logs = [
        model.train_on_batch(x, y, sample_weight=weight, class_weight=class_weight, return_dict=True)
        for x, y, weight in zip(batches["x"], batches["y"], weights, strict=True)
    ]
    arrays = {
        **numbered("weights", before),
        **{key: array for kind, arrays in batches.items() for key, array in numbered(kind, arrays).items()},
        **numbered("final_weights", [weight.numpy() for weight in model.weights]),
        "predict": model.predict(batches["x"][0], verbose=0),
    }
    facts = {
        "model": description,
        "compile": compile_facts,
        "class_weight": class_weight and {str(label): weight for label, weight in class_weight.items()},
        "steps": STEPS,
        "logs_after_each_step": [{key: float(np.asarray(log)) for key, log in step.items()} for step in logs],
        "weights": [{"path": w.path, "shape": list(w.shape), "trainable": w.trainable} for w in model.weights],
    }
    return model, facts, arrays


def draw_labels(kind, batch, classes, rng):
    if kind == "several":
        return rng.integers(0, 2, (batch, classes)).astype("f")
    if kind == "signs":
        return (2 * rng.integers(0, 2, (batch, classes)) - 1).astype("f")
    if kind == "values":
        return rng.uniform(0.1, 2, (batch, classes)).astype("f")
    labels = rng.integers(0, classes, batch).astype("int32")
    return np.eye(classes, dtype="f")[labels] if kind == "one_hot" else labels


def to_json(model):
    return json.loads(model.to_json())


def serialize(value):
    """Keras's description of what `compile` was given; strings stay."""
    if isinstance(value, dict):
        return {key: serialize(item) for key, item in value.items()}
    if isinstance(value, list):
        return [serialize(item) for item in value]
    return value if isinstance(value, str) else keras.saving.serialize_keras_object(value)


def deserialize(facts):
    """The inverse of `serialize`. Keras's own function empties what it is given, hence the copy."""
    if isinstance(facts, dict) and "class_name" not in facts:
        return {key: deserialize(item) for key, item in facts.items()}
    if isinstance(facts, list):
        return [deserialize(item) for item in facts]
    return facts if isinstance(facts, str) else keras.saving.deserialize_keras_object(copy.deepcopy(facts))
