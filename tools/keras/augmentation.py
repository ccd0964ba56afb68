"""What Keras's augmentation layers do where chance has no say: writes `test/fixtures/keras/augmentation/CLASS.json`.

Factors are given as pairs of equal numbers, so that every draw is that number. A layer that draws a sign has its outputs
for both.
"""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "keras" / "augmentation"
FILLS = ("reflect", "wrap", "nearest", "constant")
random = np.random.default_rng(7)


def images(*shape, low=0, high=255):
    return np.round(random.uniform(low, high, shape), 2).astype("float32")


def rows(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "data": [float(np.format_float_positional(v, unique=True)) for v in array.ravel()]}


def same(factor):
    return (factor, factor)


def perspective(height, width, right, bottom, column, row):
    """Corners moved to multiples of where they were."""
    x, y = width - 1, height - 1
    start = np.array([[[0, 0], [x, 0], [0, y], [x, y]]], "float32")
    end = start * np.array([[[1, 1], [right, 1], [1, bottom], [column, row]]], "float32")
    return {"apply_perspective": np.array([True]), "start_points": start, "end_points": end}


def cases():
    """(class, arguments, input, transformations or None)"""
    for fill in FILLS:
        for interpolation in ("bilinear", "nearest"):
            shared = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 3.5}
            for factor in (0.07, -0.2, 0.4):
                yield "RandomRotation", {"factor": same(factor), **shared}, images(1, 5, 7, 2), None
            for height, width in ((-0.37, None), (0.61, None), (0.23, -0.31)):
                arguments = {"height_factor": same(height), "width_factor": width and same(width), **shared}
                yield "RandomZoom", arguments, images(1, 6, 5, 1), None
            for height, width in ((0.23, -0.61), (-0.33, 0.0), (0.97, 0.83)):
                arguments = {"height_factor": same(height), "width_factor": same(width), **shared}
                yield "RandomTranslation", arguments, images(1, 5, 6, 1), None
        arguments = {"x_factor": same(0.43), "y_factor": same(0.21), "fill_mode": fill, "fill_value": 3.5}
        signs = [{"shear_factor": np.array([[sign * 0.43, sign * 0.21]], "float32")} for sign in (1, -1)]
        yield "RandomShear", arguments, images(1, 5, 6, 1), signs
    for factor in (0.4, -0.6):
        yield "RandomContrast", {"factor": (-abs(factor), abs(factor))}, images(2, 3, 4, 3), None
        yield "RandomBrightness", {"factor": same(factor)}, images(2, 3, 4, 2), None
        arguments = {"factor": same(factor), "value_range": (0.0, 1.0)}
        yield "RandomBrightness", arguments, images(1, 3, 4, 1, high=1), None
    for factor in (0.0, 1.0):
        yield "RandomInvert", {"factor": same(factor)}, images(2, 3, 4, 1), None
        yield "RandomGrayscale", {"factor": factor}, images(2, 3, 4, 3), None
        yield "RandomErasing", {"factor": same(1.0), "scale": same(1.0), "fill_value": 255 * factor}, images(2, 4, 4, 3), None
    yield "RandomErasing", {"factor": same(1.0), "scale": same(1.0), "fill_value": (1, 2, 300)}, images(1, 4, 4, 3), None
    yield "Solarization", {}, images(1, 4, 4, 3), None
    yield "Solarization", {"value_range": (0, 1)}, images(1, 4, 4, 3, high=1), None
    for bits in (1, 3, 8):
        yield "RandomPosterization", {"factor": same(bits)}, images(1, 4, 4, 3), None
    yield "RandomPosterization", {"factor": same(2), "value_range": (0, 1)}, images(1, 4, 4, 3, high=1), None
    for factor in (0.2, 0.5, 0.9):
        yield "RandomColorDegeneration", {"factor": same(factor)}, images(1, 4, 4, 3), None
        yield "RandomSharpness", {"factor": same(factor)}, images(2, 5, 4, 2), None
        yield "RandomSaturation", {"factor": same(factor)}, images(1, 4, 5, 3), None
        signs = [{"factor": np.array([sign * factor * 0.5], "float32")} for sign in (1, -1)]
        yield "RandomHue", {"factor": same(factor)}, images(1, 4, 5, 3), signs
    for stretch in ((0.8, 1.3, 1.1, 0.9), (1.4, 0.6, 0.7, 1.45)):
        yield "RandomPerspective", {"fill_value": 3.5}, images(1, 5, 7, 2), [perspective(5, 7, *stretch)]
    for size, sigma in ((3, 0.7), ((5, 3), 1.0), (1, 0.4)):
        yield "RandomGaussianBlur", {"factor": same(1.0), "kernel_size": size, "sigma": same(sigma)}, images(2, 6, 5, 2), None
    yield "AutoContrast", {}, images(2, 4, 5, 3, low=40, high=200), None
    yield "AutoContrast", {"value_range": (0, 1)}, images(2, 4, 5, 1, low=0.2, high=0.7), None
    yield "AutoContrast", {}, np.full((1, 3, 3, 1), 7, "float32"), None
    arguments = {"brightness_factor": same(0.2), "contrast_factor": (-0.3, 0.3), "saturation_factor": same(0.4)}
    yield "RandomColorJitter", arguments, images(1, 4, 4, 3), None
    for bins in (256, 64, 5):
        yield "Equalization", {"bins": bins}, images(1, 9, 7, 3, low=40, high=200), None
    yield "Equalization", {}, np.round(images(1, 16, 16, 1, low=90, high=110)), None
    yield "Equalization", {"value_range": (0, 1)}, random.uniform(0.2, 0.7, (1, 6, 5, 2)).astype("float32"), None
    yield "Equalization", {}, np.full((1, 3, 3, 1), 7, "float32"), None
    clahe = "ContrastLimitedAdaptiveHistogramEqualization"
    yield clahe, {}, images(1, 16, 24, 1), None
    for limit, grid, shape in ((4.0, (2, 3), (2, 11, 13, 3)), (0.0, (3, 2), (1, 9, 8, 2)), (1.5, (1, 1), (2, 8, 8, 1))):
        yield clahe, {"clip_limit": limit, "tile_grid_size": grid}, images(*shape, low=30, high=120), None
    unit = random.uniform(0.1, 0.9, (1, 12, 12, 1)).astype("float32")
    yield clahe, {"value_range": (0, 1), "tile_grid_size": (4, 4)}, unit, None


CHANGES = ("random_shear random_translation random_rotation random_posterization auto_contrast equalization "
           "random_brightness random_color_degeneration random_sharpness").split()


def transformations(layer, x, factor):
    """What the layers inside draw for images `x`: their factors are pairs of one number."""
    found = {name: getattr(layer, name).get_random_transformation(x, training=True) for name in CHANGES}
    found["random_shear"] = {"shear_factor": np.array([[factor, factor]], "float32"), "input_shape": x.shape}
    return found


def choices():
    """RandAugment with the change given, AugMix with changes and shares given."""
    factor = 0.3
    for change in CHANGES:
        layer = keras.layers.RandAugment(factor=same(factor), num_ops=1, name="layer")
        x = images(1, 6, 5, 3)
        transforms = transformations(layer, x, factor)
        output = layer.transform_images(x, {"transforms": {change: transforms[change]}, "layer_idxes": np.array([0])})
        yield "RandAugment", {"config": layer.get_config(), "input": rows(x), "chains": [[change]], "outputs": [rows(output)]}
    layer = keras.layers.AugMix(factor=same(factor), num_chains=2, chain_depth=2, name="layer")
    x = images(1, 6, 5, 3)
    transforms = transformations(layer, x, factor)
    chains = [["random_rotation", "random_brightness"], ["equalization", None]]
    steps = [[{"layer_name": name, "transformation": transforms[name]} for name in chain if name] for chain in chains]
    shares = np.array([0.7, 0.3], "float32")
    output = layer.transform_images(
        x, {"chain_mixing_weights": shares, "weight_sample": 0.4, "chain_transforms": steps}
    )
    yield "AugMix", {"config": layer.get_config(), "input": rows(x), "chains": chains, "outputs": [rows(output)]}


def elastic():
    """RandomElasticTransform with the noise given: [n, h, w, 2], across and down."""
    for fill in ("constant", "nearest"):
        for interpolation in ("bilinear", "nearest"):
            for shape, scale in (((1, 26, 22, 2), 1.0), ((2, 9, 7, 1), 0.5)):
                arguments = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 3.5}
                layer = keras.layers.RandomElasticTransform(same(1.0), same(scale), name="layer", **arguments)
                x = images(*shape)
                noise = np.round(random.normal(size=(*shape[:3], 2)), 3).astype("float32")
                draws = iter((noise[..., 0], noise[..., 1]))
                original = tf.random.stateless_normal
                tf.random.stateless_normal = lambda **_: tf.constant(next(draws))
                try:
                    given = layer.get_random_transformation(x, training=True)
                    output = layer.transform_images(x, given, training=True)
                finally:
                    tf.random.stateless_normal = original
                yield "RandomElasticTransform", {
                    "config": layer.get_config(), "input": rows(x), "noise": rows(noise), "outputs": [rows(output)]
                }


def run(name, arguments, x, transformations):
    layer = getattr(keras.layers, name)(name="layer", **arguments)
    if transformations is None:
        outputs = [layer(x, training=True)]
    else:
        shape = {"input_shape": x.shape}  # beside what the layer would draw
        outputs = [layer.transform_images(x, {**given, **shape}, training=True) for given in transformations]
    config = layer.get_config()
    return {"config": config, "input": rows(x), "outputs": [rows(output) for output in outputs]}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, *case in cases():
        found.setdefault(name, []).append(run(name, *case))
    for name, case in (*choices(), *elastic()):
        found.setdefault(name, []).append(case)
    for name, list_of_cases in found.items():
        text = ",\n".join(json.dumps(case, default=list) for case in list_of_cases)
        (OUT / f"{name}.json").write_text(f"[\n{text}\n]\n")
        print(f"{name}: {len(list_of_cases)}")
    defaults = {
        "RandomContrast": {"factor": 0.2}, "RandomBrightness": {"factor": 0.2}, "RandomRotation": {"factor": 0.2},
        "RandomZoom": {"height_factor": 0.2}, "RandomTranslation": {"height_factor": 0.1, "width_factor": (-0.1, 0.2)},
        "RandomCrop": {"height": 4, "width": 5}, "RandomPosterization": {"factor": 4}, "RandomHue": {"factor": 0.2},
        "RandomSaturation": {"factor": 0.2}, "RandomColorDegeneration": {"factor": 0.2}, "RandomSharpness": {"factor": 0.2},
    }
    for name in ("RandomFlip", "RandomErasing", "MixUp", "CutMix", "RandomGrayscale", "RandomInvert", "Solarization",
                 "RandomShear", "RandomGaussianBlur", "AutoContrast", "RandomColorJitter", "RandomPerspective",
                 "Equalization", "ContrastLimitedAdaptiveHistogramEqualization", "RandAugment", "AugMix",
                 "RandomElasticTransform"):
        defaults[name] = {}
    configs = {name: getattr(keras.layers, name)(name="layer", **given).get_config() for name, given in defaults.items()}
    (OUT / "configs.json").write_text(json.dumps(configs, indent=1, default=list) + "\n")


main()
