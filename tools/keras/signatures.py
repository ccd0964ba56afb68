"""Writes the arguments of Keras's methods of a model, and of its callbacks: signatures.json.

    python tools/keras/signatures.py
"""

import inspect
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

fixtures = pathlib.Path(__file__).parent.parent.parent / "test/fixtures/keras"
METHODS = "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch".split()
# Those that tsuno does not have.
LEFT_OUT = {"CallbackList", "OrbaxCheckpoint"}


def arguments_of(function):
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.name != "self" and one.kind is not inspect.Parameter.VAR_KEYWORD]


def stages():
    members = vars(keras.callbacks.Callback)
    return [name for name in members if name.startswith("on_")]


def main():
    classes = json.loads((fixtures / "inventory.json").read_text())["callbacks"]
    found = {
        "methods": {name: arguments_of(getattr(keras.Model, name)) for name in METHODS},
        "callbacks": {
            name: arguments_of(getattr(keras.callbacks, name).__init__) for name in classes if name not in LEFT_OUT
        },
        "stages": stages(),
    }
    (fixtures / "signatures.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
