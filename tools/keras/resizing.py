"""Resizes small images with Keras's Resizing and UpSampling2D and writes parts/resizing.json.

    python tools/keras/resizing.py
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from keras import layers

fixtures = pathlib.Path(__file__).parent.parent.parent / "test/fixtures/keras"
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
TARGETS = ((4, 4), (9, 5), (7, 11), (2, 3))


def options():
    for interpolation in INTERPOLATIONS:
        for height, width in TARGETS:
            for more in ({}, {"antialias": True}, {"crop_to_aspect_ratio": True}):
                yield {"height": height, "width": width, "interpolation": interpolation, **more}
    for height, width in TARGETS:
        yield {"height": height, "width": width, "pad_to_aspect_ratio": True, "fill_value": 60.0}


def main():
    image = np.random.default_rng(5).integers(0, 256, (1, 7, 10, 2)).astype("float32")
    cases = [
        {"class_name": name, "config": config, "output": np.round(np.asarray(layer(image)), 4).ravel().tolist()}
        for name, config, layer in (
            *(("Resizing", config, layers.Resizing(**config)) for config in options()),
            *(
                ("UpSampling2D", config, layers.UpSampling2D(**config))
                for config in ({"size": [2, 3], "interpolation": one} for one in INTERPOLATIONS)
            ),
        )
    ]
    facts = {"shape": list(image.shape), "image": image.astype(int).ravel().tolist()}
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    head = json.dumps(facts)[:-1]
    (fixtures / "parts/resizing.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
