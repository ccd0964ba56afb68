"""Runs every ONNX file that `write_files.ts` wrote with ONNX Runtime, and compares.

    python tools/keras/check_onnx.py FOLDER

For each `NAME.onnx` with its `NAME.safetensors` the outputs for `x` must be what tsuno predicted, for the whole batch and
for one sample of it. Prints the largest difference; leaves with status 1 if a file differs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    largest, failures = (0.0, ""), []
    files = sorted(folder.glob("*.onnx"))
    for path in files:
        arrays = load_file(path.with_suffix(".safetensors"))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        dtype = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}[given.type]
        for x in (arrays["x"], arrays["x"][:1]):
            for i, found in enumerate(session.run(None, {given.name: x.astype(dtype)})):
                expected = arrays[f"predict.{i}"][: len(x)]
                scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
                difference = float(np.max(np.abs(found - expected), initial=0)) / scale
                largest = max(largest, (difference, path.stem))
                if found.shape != expected.shape or difference > TOLERANCE:
                    failures.append(f"{path.stem}: output {i} of {len(x)} samples differs by {difference:.1e}")
    print(f"ONNX Runtime {onnxruntime.__version__}: largest difference {largest[0]:.1e} ({largest[1]})")
    print("\n".join(failures) or f"{len(files)} files, all equal")
    sys.exit(1 if failures or not files else 0)


if __name__ == "__main__":
    main()
