"""Computes parts/fit.json: histories, weights and predictions of whole calls of fit, without shuffling.

    python tools/keras/fit_cases.py
"""

import json
import os
import pathlib
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

fixtures = pathlib.Path(__file__).parent.parent.parent / "test/fixtures/keras"
rng = np.random.default_rng(5)


def single():
    inputs = keras.Input((4, 4, 1), name="image")
    x = keras.layers.Conv2D(3, 2, activation="relu", kernel_regularizer="l2")(inputs)
    x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(3, activation="softmax", name="label")(x)
    return keras.Model(inputs, outputs)


def normed():
    inputs = keras.Input((4, 4, 1), name="image")
    x = keras.layers.Conv2D(3, 2)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Activation("relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="label")(x))


def double():
    image = keras.Input((4, 4, 1), name="image")
    extra = keras.Input((2,), name="extra")
    x = keras.layers.Flatten()(image)
    x = keras.layers.Concatenate()([x, extra])
    x = keras.layers.Dense(5, activation="tanh")(x)
    label = keras.layers.Dense(3, activation="softmax", name="label")(x)
    size = keras.layers.Dense(1, name="size")(x)
    return keras.Model([image, extra], [label, size])


def data(count, outputs):
    x = [rng.random((count, 4, 4, 1), "float32")]
    y = [rng.integers(0, 3, count).astype("int32")]
    if outputs == 2:
        x.append(rng.random((count, 2), "float32"))
        y.append(rng.random((count, 1), "float32"))
    return x, y


sgd = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9}
sparse = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
both = {
    "loss": {"label": "sparse_categorical_crossentropy", "size": "mse"},
    "loss_weights": {"label": 0.5, "size": 2.0},
    "metrics": {"label": ["accuracy"], "size": ["mae", "mse"]},
    "weighted_metrics": {"label": ["accuracy"]},
}

CASES = [
    ("smaller last batch", single, sparse, {"epochs": 3, "batch_size": 4}, {}),
    ("validation split", single, sparse, {"epochs": 2, "batch_size": 4, "validation_split": 0.3}, {}),
    ("sample weights", single, {**sparse, "weighted_metrics": ["accuracy"]},
     {"epochs": 2, "batch_size": 4, "validation_split": 0.3}, {"sample_weight": True}),
    ("class weights", single, sparse,
     {"epochs": 2, "batch_size": 4, "class_weight": {0: 1.0, 2: 3.5}, "validation_split": 0.3}, {}),
    ("steps per epoch", single, sparse, {"epochs": 5, "batch_size": 4, "steps_per_epoch": 2}, {}),
    ("more steps than batches", single, sparse, {"epochs": 2, "batch_size": 8, "steps_per_epoch": 5}, {}),
    ("validation now and then", single, sparse,
     {"epochs": 4, "batch_size": 4, "validation_freq": 2, "validation_steps": 2, "validation_batch_size": 3},
     {"validation_data": 7}),
    ("validation after some epochs", single, sparse,
     {"epochs": 4, "batch_size": 16, "validation_freq": [1, 4]}, {"validation_data": 7}),
    ("initial epoch", single, sparse, {"epochs": 4, "initial_epoch": 2, "batch_size": 4}, {}),
    ("batch normalization", normed,
     {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]},
     {"epochs": 3, "batch_size": 5, "validation_split": 0.3}, {}),
    ("several outputs", double, both, {"epochs": 2, "batch_size": 4, "validation_split": 0.3}, {}),
    ("several outputs, one weighting", double, both, {"epochs": 2, "batch_size": 4}, {"sample_weight": True}),
    ("several outputs, weightings", double, both, {"epochs": 2, "batch_size": 4}, {"sample_weight": 2}),
]


def flat(array):
    return {"shape": list(array.shape), "data": np.asarray(array, "float64").ravel().tolist()}


def run(name, make, compiled, options, extra):
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    model = make()
    outputs = len(model.outputs)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), **compiled)
    x, y = data(18, outputs)
    case = {"name": name, "model": json.loads(model.to_json()), "options": options}
    loss = compiled["loss"]
    if isinstance(loss, keras.losses.Loss):
        loss = keras.losses.serialize(loss)
    case["compile"] = {**compiled, "loss": loss}
    case["x"], case["y"] = [flat(a) for a in x], [flat(a) for a in y]
    case["weights"] = [flat(w) for w in model.get_weights()]
    given = dict(options)
    kind = extra.get("sample_weight")
    if kind:
        weights = [rng.random(18).astype("float32") * 2 for _ in range(int(kind))]
        case["sample_weight"] = [flat(w) for w in weights]
        given["sample_weight"] = weights[0] if len(weights) == 1 else weights
    if "validation_data" in extra:
        vx, vy = data(extra["validation_data"], outputs)
        case["validation"] = {"x": [flat(a) for a in vx], "y": [flat(a) for a in vy]}
        given["validation_data"] = (vx, vy)
    one = lambda arrays: arrays[0] if len(arrays) == 1 else arrays
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(one(x), one(y), verbose=0, shuffle=False, **given)
    case["history"] = history.history
    case["epoch"] = history.epoch
    case["final_weights"] = [flat(w) for w in model.get_weights()]
    case["evaluate"] = model.evaluate(one(x), one(y), batch_size=5, verbose=0, return_dict=True)
    predictions = model.predict(one(x), batch_size=5, verbose=0)
    case["predict"] = [flat(p) for p in (predictions if outputs > 1 else [predictions])]
    return case


cases = [run(*case) for case in CASES]
lines = ",\n".join(json.dumps(case) for case in cases)
(fixtures / "parts/fit.json").write_text(f"[\n{lines}\n]\n")
