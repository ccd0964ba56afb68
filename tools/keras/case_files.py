"""The two files of a case: `NAME.json` (configs, names, shapes) and `NAME.safetensors` (arrays)."""

import json

import numpy as np
from safetensors.numpy import load_file, save_file


def write_case(folder, name, facts, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    if facts is not None:
        (folder / f"{name}.json").write_text(json.dumps(facts, indent=1))
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / f"{name}.safetensors")


def read_case(json_path):
    """The facts and arrays of the case whose JSON is at `json_path`."""
    return json.loads(json_path.read_text()), load_file(json_path.with_suffix(".safetensors"))


def numbered(prefix, arrays):
    """`{prefix.0: …, prefix.1: …}`"""
    return {f"{prefix}.{i}": np.asarray(array) for i, array in enumerate(arrays)}


def take_numbered(prefix, arrays):
    """The list that `numbered` stored."""
    count = sum(key.startswith(f"{prefix}.") for key in arrays)
    return [arrays[f"{prefix}.{i}"] for i in range(count)]
