"""Computes parts/callbacks.json and text/csv_logger*.csv: Keras's callbacks on made-up logs.

    python tools/keras/callbacks.py
"""

import contextlib
import io
import json
import os
import pathlib
import random
import tempfile
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

fixtures = pathlib.Path(__file__).parent.parent.parent / "test/fixtures/keras"
EPOCHS = 12


def case(rng, kind):
    mode = rng.choice(["auto", "min", "max"])
    if kind == "EarlyStopping":
        return {
            "monitor": rng.choice(["val_loss", "loss", "val_accuracy", "accuracy"]),
            "min_delta": rng.choice([0, 0, 0.05, 0.2]),
            "patience": rng.choice([0, 1, 2, 3]),
            "verbose": 1,
            "mode": mode,
            "baseline": rng.choice([None, None, 0.5, 0.3]),
            "restore_best_weights": rng.random() < 0.6,
            "start_from_epoch": rng.choice([0, 0, 2]),
        }
    return {
        "monitor": rng.choice(["val_loss", "loss", "val_accuracy", "accuracy"]),
        "factor": rng.choice([0.1, 0.5, 0.2]),
        "patience": rng.choice([1, 2, 3]),
        "verbose": 1,
        "mode": mode,
        "min_delta": rng.choice([1e-4, 0.05, 0.2]),
        "cooldown": rng.choice([0, 1, 2]),
        "min_lr": rng.choice([0.0, 1e-4, 1e-3]),
    }


def new_model():
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse", metrics=["accuracy"])
    model.evaluate(np.zeros((2, 1)), np.zeros((2, 1)), verbose=0)
    return model


def run(kind, options, logs):
    callback = getattr(keras.callbacks, kind)(**options)
    model = new_model()
    callback.set_model(model)
    printed = io.StringIO()
    rates = []
    epochs = 0
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        callback.on_train_begin()
        for epoch, values in enumerate(logs):
            # The weights tell from which epoch they are.
            model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, dict(values))
            rates.append(float(model.optimizer.learning_rate.numpy()))
            epochs += 1
            if model.stop_training:
                break
        callback.on_train_end()
    weights = float(model.get_weights()[0][0, 0])
    return {"epochs": epochs, "rates": rates, "weights": weights, "printed": printed.getvalue()}


def main():
    rng = random.Random(20)
    cases = []
    for i in range(60):
        kind = "EarlyStopping" if i % 2 == 0 else "ReduceLROnPlateau"
        options = case(rng, kind)
        logs = []
        for epoch in range(EPOCHS):
            fall = 1 / (1 + epoch * rng.random())
            values = {
                "accuracy": 1 - fall * rng.random(),
                "loss": fall + 0.2 * rng.random(),
                "val_accuracy": 1 - fall,
                "val_loss": fall + 0.4 * rng.random(),
            }
            logs.append({key: float(np.float32(value)) for key, value in values.items()})
        if i % 10 == 9:
            del logs[3]["val_loss"], logs[3]["val_accuracy"]
        found = run(kind, options, logs)
        cases.append({"kind": kind, "options": options, "logs": logs, "found": found})
    for verbose in (0, 1):
        schedule = [0.01, 0.005, 1e-5, 1.0]
        callback = keras.callbacks.LearningRateScheduler(lambda e, lr: schedule[e], verbose=verbose)
        model = new_model()
        callback.set_model(model)
        printed = io.StringIO()
        logs = [{} for _ in schedule]
        with contextlib.redirect_stdout(printed):
            for epoch in range(len(schedule)):
                callback.on_epoch_begin(epoch)
                callback.on_epoch_end(epoch, logs[epoch])
        cases.append(
            {
                "kind": "LearningRateScheduler",
                "options": {"schedule": schedule, "verbose": verbose},
                "logs": logs,
                "found": {"printed": printed.getvalue()},
            }
        )
    lines = ",\n".join(json.dumps(one) for one in cases)
    (fixtures / "parts/callbacks.json").write_text(f"[\n{lines}\n]\n")

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/log.csv"
        for append, rows in (
            (False, [{"loss": 0.5, "accuracy": 1.0}, {"loss": 1e-5, "accuracy": 0.25, "val_loss": 2.5}]),
            (True, [{"loss": 123456789.125, "accuracy": 0.1}]),
        ):
            callback = keras.callbacks.CSVLogger(path, separator=";", append=append)
            callback.set_model(new_model())
            callback.on_train_begin()
            for epoch, row in enumerate(rows):
                callback.on_epoch_end(epoch, row)
            callback.on_train_end()
        (fixtures / "text/csv_logger.csv").write_bytes(pathlib.Path(path).read_bytes())


if __name__ == "__main__":
    main()
