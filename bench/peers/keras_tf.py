"""Keras on TensorFlow: `fit`, input pipeline included, an epoch of the article's MNIST with validation, `predict`."""

import os
import sys
import time

from measure import ROOT, best_ms, check_parameters, options, report

found, network = options()
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

tf.config.threading.set_intra_op_parallelism_threads(found.threads)
tf.config.threading.set_inter_op_parallelism_threads(found.threads)

BUILD = {
    "scale": lambda o: layers.Rescaling(o.factor),
    "conv": lambda o: layers.Conv2D(o.filters, o.kernel, strides=o.stride, padding=o.padding, use_bias=o.bias),
    "depthwise": lambda o: layers.DepthwiseConv2D(o.kernel, strides=o.stride, padding="same", use_bias=False),
    "norm": lambda o: layers.BatchNormalization(),
    "relu": lambda o: layers.ReLU(),
    "tanh": lambda o: layers.Activation("tanh"),
    "max_pool": lambda o: layers.MaxPooling2D(2),
    "average_pool": lambda o: layers.AveragePooling2D(2),
    "global_average_pool": lambda o: layers.GlobalAveragePooling2D(),
    "flatten": lambda o: layers.Flatten(),
    "dropout": lambda o: layers.Dropout(o.rate),
    "dense": lambda o: layers.Dense(o.units),
}


def apply(parts, x):
    for part in parts:
        if part.kind == "residual":
            x = layers.ReLU()(layers.Add()([apply(part.body, x), apply(part.shortcut, x)]))
        else:
            x = BUILD[part.kind](part)(x)
    return x


def build():
    inputs = keras.Input(network.image)
    model = keras.Model(inputs, layers.Activation("softmax")(apply(network.layers, inputs)))
    check_parameters(sum(int(np.prod(weight.shape)) for weight in model.trainable_weights), network)
    optimizers = {"adam": keras.optimizers.Adam(), "momentum": keras.optimizers.SGD(0.1, momentum=0.9)}
    model.compile(optimizers[network.optimizer], "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def epoch_seconds(model):
    """The better of two epochs of `fit` on 48,000 images of MNIST, 12,000 validating; the model is warm."""
    sys.path.append(str(ROOT / "tools/keras"))
    from article import VALIDATION, load_mnist

    (x, y), _ = load_mnist(found.mnist)
    count = 3 * found.batch if found.smoke else len(x) - VALIDATION
    training, validation = slice(VALIDATION, VALIDATION + count), slice(0, min(count, VALIDATION))
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        model.fit(
            x[training],
            y[training],
            batch_size=found.batch,
            validation_data=(x[validation], y[validation]),
            verbose=0,
        )
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main():
    keras.utils.set_random_seed(1)
    model = build()
    rng = np.random.default_rng(1)
    count = found.batch * found.steps
    x = rng.random((count, *network.image), dtype=np.float32)
    y = rng.integers(0, 10, count)
    train_ms = best_ms(lambda: model.fit(x, y, batch_size=found.batch, verbose=0), found.steps, found.rounds)
    infer_ms = best_ms(lambda: model.predict(x, batch_size=found.batch, verbose=0), found.steps, found.rounds)
    epoch_s = epoch_seconds(model) if found.network == "article" else None
    report("keras-tensorflow", found, train_ms=train_ms, epoch_s=epoch_s, infer_ms=infer_ms)


main()
