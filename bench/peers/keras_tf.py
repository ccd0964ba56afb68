"""Keras on TensorFlow: `fit`, input pipeline included, an epoch of the article's MNIST with validation, `predict`."""

import math
import os
import time

from measure import check_parameters, data, mnist, options, peak_mb, report, since_asked, time_steps

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


def epoch_ms(model):
    """The better of two epochs of `fit` on 48,000 images of MNIST, 12,000 validating."""
    x, y = mnist(found)
    held = 2 * found.batch if found.smoke else 12_000
    training, validation = slice(held, 2 * held if found.smoke else None), slice(held)
    times = []
    for _ in range(2):
        began = time.perf_counter()
        model.fit(
            x[training],
            y[training],
            batch_size=found.batch,
            validation_data=(x[validation], y[validation]),
            verbose=0,
        )
        times.append((time.perf_counter() - began) * 1e3)
    return min(times)


def most_steps(batch):
    """As many as there are images for in 50 MB."""
    return max(2, min(500, 50_000_000 // (4 * batch * math.prod(network.image))))


def predict_ms(model, batch):
    most = most_steps(batch)
    x, _ = data(found, network, most * batch)

    def predict(batches):
        model.predict(x[: batches * batch], batch_size=batch, verbose=0)

    return time_steps(predict, found, 1, most)


def main():
    keras.utils.set_random_seed(1)
    model = build()
    x, y = data(found, network, 8 * found.batch)

    def fit(batches):
        model.fit(x[: batches * found.batch], y[: batches * found.batch], batch_size=found.batch, verbose=0)

    fit(1)
    first_step = since_asked(found)
    fit(8)
    epoch = epoch_ms(model) if found.network == "article" else None
    peak = peak_mb()
    # A call of `fit` or `predict` takes a while to begin, so rounds are long enough for that not to count.
    most = most_steps(found.batch)
    x, y = data(found, network, most * found.batch)
    train = time_steps(fit, found, 1.5, most)
    infer = [{"batch": batch, **predict_ms(model, batch)} for batch in found.infer]
    report(
        "keras-tensorflow", found, peak=peak, train=train, first_step=first_step, epoch=epoch, infer=infer
    )


main()
