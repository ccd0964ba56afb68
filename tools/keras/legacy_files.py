"""Writes the legacy HDF5 files that the tests read: `model.save('x.h5')` by Keras 3 and, as `tf_keras`, by Keras 2.

    python tools/keras/legacy_files.py [FOLDER]

Default folder: `test/fixtures/legacy`. Beside each file, as safetensors, inputs `x`, labels `y`, and what the model
predicts, before and after one more step of training (`before`, `after`).
"""

import argparse
from pathlib import Path

import article  # noqa: F401 — settles the backend

import keras
import numpy as np
import tf_keras
from safetensors.numpy import save_file


def functional(k):
    inputs = k.Input((6, 5, 2), name="image")
    x = k.layers.Conv2D(3, 3, activation="relu", padding="same")(inputs)
    x = k.layers.BatchNormalization()(x)
    left = k.layers.SeparableConv2D(4, 3, padding="same")(x)
    right = k.layers.Conv2D(4, 1)(x)
    x = k.layers.Add()([left, right])
    x = k.layers.MaxPooling2D(2)(x)
    x = k.layers.Flatten()(x)
    inner = k.Sequential([k.Input((24,)), k.layers.Dense(5, activation="tanh"), k.layers.Dense(4)], name="inner")
    model = k.Model(inputs, k.layers.Softmax()(inner(x)))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def sequential(k):
    model = k.Sequential(
        [
            k.layers.Input((6, 5, 2)),
            k.layers.DepthwiseConv2D(3, use_bias=False),
            k.layers.LeakyReLU(),
            k.layers.GlobalAveragePooling2D(),
            k.layers.Dropout(0.0),
            k.layers.Dense(4, activation="softmax", kernel_regularizer=k.regularizers.L2(0.01)),
        ]
    )
    model.compile(k.optimizers.SGD(0.1, momentum=0.9), k.losses.CategoricalCrossentropy(label_smoothing=0.1))
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("test/fixtures/legacy"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(11)
    x = random.uniform(-1, 1, (8, 6, 5, 2)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[np.arange(8) % 4]
    for version, k in (("keras3", keras), ("keras2", tf_keras)):
        for make in (functional, sequential):
            k.utils.set_random_seed(4)
            model = make(k)
            model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
            name = folder / f"{version}_{make.__name__}"
            model.save(name.with_suffix(".h5"))
            arrays = {"x": x, "y": y, "before": model.predict(x, verbose=0)}
            model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
            arrays["after"] = model.predict(x, verbose=0)
            save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, name.with_suffix(".safetensors"))


if __name__ == "__main__":
    main()
