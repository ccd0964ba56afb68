"""Loads with Keras every file that `write_files.ts` wrote, and compares.

    npm run build && node dist/tools/keras/write_files.js FOLDER
    python tools/keras/check_files.py FOLDER

For each `NAME.keras` with its `NAME.safetensors`:

- Keras must load it without a warning, and predict for `x` what tsuno predicted;
- every weight and every variable of the optimizer must be the bits in the file, read with h5py; the groups, their
  attributes and the types must be those Keras writes when it saves the loaded model again;
- one more training step on `x` and `y` must lead Keras to the weights and the optimizer's state it led tsuno to; or two
  more epochs to the same losses;
- the weights of `NAME.weights.h5` must give the same predictions.

Prints the largest differences; leaves with status 1 if a file differs.
"""

import argparse
import io
import json
import sys
import tempfile
import warnings
import zipfile
from collections import defaultdict
from pathlib import Path

import article  # noqa: F401 — settles the backend

import h5py
import keras
import numpy as np
from safetensors.numpy import load_file

PREDICT_TOLERANCE = 1e-5
# Relative to the largest number of the array; optimizers that divide by the gradient's size carry rounding further.
STEP_TOLERANCE = 2e-4
LOSS_TOLERANCE = 1e-4
# Batch normalization over 8 single pixels carries rounding further; Keras in float32 is 1.8e-3 from Keras in float64 (docs/proofs.md).
LATER_TOLERANCE = 2e-3


class Report:
    def __init__(self):
        self.largest = defaultdict(lambda: (0.0, ""))
        self.failures = []
        self.files = 0

    def expect(self, name, condition, message):
        if not condition:
            self.failures.append(f"{name}: {message}")

    def compare(self, what, name, ours, theirs, tolerance):
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if ours.shape != theirs.shape:
            self.expect(name, False, f"{what} has shape {ours.shape}, Keras has {theirs.shape}")
            return
        scale = max(1.0, float(np.max(np.abs(theirs), initial=0)))
        difference = float(np.max(np.abs(ours - theirs), initial=0)) / scale
        self.largest[what] = max(self.largest[what], (difference, name))
        self.expect(name, difference <= tolerance, f"{what} differs by {difference:.1e}")


def contents(path):
    """Every object of `model.weights.h5`: attributes, type, shape and bytes."""
    found = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:

        def note(name, item):
            attributes = {key: (type(value).__name__, value) for key, value in item.attrs.items()}
            if isinstance(item, h5py.Dataset):
                found[name] = (attributes, str(item.dtype), item.shape, item[()].tobytes())
            else:
                found[name] = (attributes,)

        file.visititems(note)
    return found


def comparable(config):
    if isinstance(config, dict):
        return {key: comparable(value) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, list):
        return [comparable(value) for value in config]
    return config


def config_of(path):
    with zipfile.ZipFile(path) as archive:
        return comparable(json.loads(archive.read("config.json")))


def check_saved_again(report, name, path, model):
    """What Keras writes of the loaded model must be what it has loaded, byte for byte where there are arrays."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.keras"
        model.save(again)
        ours, theirs = contents(path), contents(again)
        order = [[info.filename for info in zipfile.ZipFile(file).infolist()] for file in (path, again)]
        report.expect(name, order[0] == order[1], f"members {order[0]}, Keras has {order[1]}")
        report.expect(name, config_of(path) == config_of(again), "config.json differs from Keras's")
    # Keras makes the state of an optimizer that has taken no step when it loads the model.
    is_new = "optimizer/vars/2" not in ours
    for key in ours.keys() | theirs.keys():
        if is_new and key.startswith("optimizer/vars/") and key not in ours:
            continue
        mine, other = ours.get(key), theirs.get(key)
        if mine is None or other is None:
            report.expect(name, False, f"{key} is {'missing' if mine is None else 'not in Keras'}")
        # Keras keeps the placeholders of Adafactor as int32; 0 as float32 is loaded as well.
        elif mine != other and not (other[1:2] == ("int32",) and mine[1:] == ("float32", (), bytes(4))):
            report.expect(name, False, f"{key} is {mine[:3]}, Keras has {other[:3]}")


def outputs_of(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def undetermined(model, x, y):
    """Weights whose gradient is rounding alone, as of a bias before a batch normalization: any step of theirs is right."""
    import tensorflow as tf

    before = model.get_weights()
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    model.set_weights(before)  # moving statistics have moved
    sizes = [0.0 if g is None else float(np.max(np.abs(g))) for g in gradients]
    small = {id(v) for v, size in zip(model.trainable_variables, sizes) if size < 1e-7 * max(sizes)}
    return {i for i, weight in enumerate(model.weights) if id(weight) in small}


def check_step(report, name, model, arrays):
    x, y = arrays["x"], arrays["y"]
    skipped = undetermined(model, x, y)
    model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    for i, weight in enumerate(model.weights):
        if i not in skipped:
            report.compare("weights after one more step", name, arrays[f"weights.{i}"], weight, STEP_TOLERANCE)
    report.expect(name, f"weights.{len(model.weights)}" not in arrays, "more weights than Keras has")
    # Slots belong to weights; those of weights left out differ with them.
    shapes = {model.weights[i].shape for i in skipped}
    for i, variable in enumerate(model.optimizer.variables):
        if variable.shape not in shapes:
            report.compare("optimizer after one more step", name, arrays[f"optimizer.{i}"], variable, STEP_TOLERANCE)


def check(path, report):
    keras.backend.clear_session()
    name, report.files = path.stem, report.files + 1
    arrays = load_file(path.with_suffix(".safetensors"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of an optimizer that has taken no step Keras stores iterations and rate alone, and says so on loading.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer.* saved optimizer has 2 variables")
        model = keras.saving.load_model(path)
    for i, predict in enumerate(outputs_of(model.predict(arrays["x"], verbose=0))):
        report.compare("predictions", name, arrays[f"predict.{i}"], predict, PREDICT_TOLERANCE)
    check_saved_again(report, name, path, model)
    weights = path.with_suffix(".weights.h5")
    if weights.exists():
        for variable in model.weights:
            variable.assign(np.zeros_like(variable))
        model.load_weights(weights)
        for i, predict in enumerate(outputs_of(model.predict(arrays["x"], verbose=0))):
            report.compare("predictions by .weights.h5", name, arrays[f"predict.{i}"], predict, PREDICT_TOLERANCE)
    if "losses" in arrays:
        fit = model.fit(arrays["x"], arrays["y"], epochs=2, batch_size=8, shuffle=False, verbose=0)
        first, second = zip(arrays["losses"], fit.history["loss"])
        report.compare("loss of the next epoch", name, *first, LOSS_TOLERANCE)
        report.compare("loss of the one after it", name, *second, LATER_TOLERANCE)
    elif "weights.0" in arrays:
        check_step(report, name, model, arrays)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    report = Report()
    for path in sorted(folder.glob("*.keras")):
        try:
            check(path, report)
        except Exception as error:  # a file Keras refuses is a finding like the others
            report.expect(path.stem, False, f"{type(error).__name__}: {error}")
    for what, (difference, name) in report.largest.items():
        print(f"{what:32} largest difference {difference:.1e} ({name})")
    print("\n".join(report.failures) or f"{report.files} files, all equal")
    sys.exit(1 if report.failures or report.files == 0 else 0)


if __name__ == "__main__":
    main()
