"""Tries every argument of every class in inventory.json and writes what Keras makes of it: arguments.json.

    python tools/keras/arguments.py

Each argument is given a value that is not its default, beside those that the class or the argument needs.
"""

import inspect
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

fixtures = pathlib.Path(__file__).parent.parent.parent / "test/fixtures/keras"
KINDS = {
    "layers": keras.layers,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "losses": keras.losses,
    "metrics": keras.metrics,
}
# Bases, classes made of other objects, and classes that tsuno does not have.
LEFT_OUT = set(
    "Initializer Regularizer Constraint Optimizer LearningRateSchedule Loss Metric MeanMetricWrapper Pipeline "
    "LossScaleOptimizer MultiOptimizer OptimizerMap STFT MaxNumBoundingBoxes".split()
)
# Arguments that hold another object, or that Keras itself refuses in this class.
NOT_TRIED = {
    ("Dense", "quantization_config"),
    ("InputLayer", "batch_shape"),
    ("InputLayer", "input_tensor"),
    ("InputLayer", "ragged"),
    ("InputLayer", "shape"),
    ("InputLayer", "trainable"),
    ("SpatialDropout1D", "trainable"),
    ("SpatialDropout2D", "trainable"),
}

NEEDED = {
    "activation": "relu",
    "axes": 1,
    "boundaries": [10, 20],
    "decay_rate": 0.9,
    "decay_steps": 100,
    "dims": [2, 1],
    "factor": 0.2,
    "filters": 4,
    "first_decay_steps": 50,
    "height": 4,
    "height_factor": 0.2,
    "initial_learning_rate": 0.1,
    "kernel_size": 3,
    "n": 3,
    "num_classes": 3,
    "output_size": 3,
    "pool_size": 2,
    "precision": 0.6,
    "rate": 0.3,
    "recall": 0.5,
    "scale": 0.5,
    "sensitivity": 0.6,
    "specificity": 0.5,
    "stddev": 0.2,
    "target_class_ids": [0],
    "target_shape": [2, 3],
    "units": 5,
    "values": [1.0, 0.5, 0.1],
    "width": 5,
    "width_factor": 0.3,
}
NEEDED_BY = {
    ("CategoryEncoding", "num_tokens"): 7,
    ("InputLayer", "shape"): [4, 4, 3],
    ("IoU", "target_class_ids"): [0, 1],
    ("OneHotIoU", "target_class_ids"): [0, 1],
    ("RandomPosterization", "factor"): 4,
}
OTHER = {
    "activation": "tanh",
    "adam_beta_1": 0.8,
    "adam_beta_2": 0.99,
    "adam_lr_ratio": 0.5,
    "adam_weight_decay": 0.01,
    "addition_factor": 0.3,
    "all_ops": False,
    "alpha": 0.4,
    "amsgrad": True,
    "antialias": True,
    "apply_class_balancing": True,
    "average": "macro",
    "axis": 1,
    "batch_shape": [2, 4, 4, 3],
    "batch_size": 4,
    "beta": 0.7,
    "beta_1": 0.8,
    "beta_2": 0.95,
    "beta_2_decay": -0.7,
    "bins": 64,
    "brightness_factor": 0.2,
    "center": False,
    "centered": True,
    "chain_depth": 2,
    "class_aggregation": "variance_weighted_average",
    "class_id": 1,
    "clip_limit": 2.0,
    "clip_threshold": 0.5,
    "clipnorm": 1.5,
    "clipvalue": 0.5,
    "contrast_factor": 0.3,
    "crop_to_aspect_ratio": True,
    "cropping": 2,
    "curve": "PR",
    "cycle": True,
    "data_format": "channels_last",
    "decay_steps": 60,
    "delta": 0.5,
    "depth_multiplier": 2,
    "dilation_rate": 2,
    "distribution": "uniform",
    "dtype": "float32",
    "ema_momentum": 0.9,
    "ema_overwrite_frequency": 3,
    "end_learning_rate": 0.01,
    "epsilon": 0.02,
    "epsilon_1": 1e-20,
    "epsilon_2": 0.01,
    "exclude_embeddings": False,
    "exclude_layers": ["a"],
    "factor": 0.25,
    "fill_mode": "nearest",
    "fill_value": 1.0,
    "from_logits": True,
    "from_sorted_ids": True,
    "gain": 2.0,
    "gamma": 1.5,
    "global_clipnorm": 2.0,
    "gradient_accumulation_steps": 3,
    "groups": 2,
    "hue_factor": 0.2,
    "ignore_class": 0,
    "initial_accumulator_value": 0.2,
    "input_axes": [0],
    "interpolation": "nearest",
    "invert": True,
    "k": 3,
    "keepdims": True,
    "kernel_size": 5,
    "l1": 0.03,
    "l1_regularization_strength": 0.1,
    "l2": 0.04,
    "l2_regularization_strength": 0.2,
    "l2_shrinkage_regularization_strength": 0.3,
    "label_smoothing": 0.1,
    "label_weights": [0.2, 0.8],
    "learning_rate": 0.05,
    "learning_rate_power": -0.3,
    "lora_alpha": 3,
    "lora_rank": 2,
    "loss_scale_factor": 8.0,
    "m_mul": 0.8,
    "margin": 0.3,
    "max_value": 3.0,
    "maxval": 0.2,
    "mean": 0.1,
    "min_value": 0.1,
    "minval": -0.3,
    "mode": "fan_out",
    "momentum": 0.8,
    "multi_label": True,
    "muon_a": 3.0,
    "muon_b": -4.0,
    "muon_c": 2.0,
    "name": "own",
    "negative_slope": 0.15,
    "nesterov": True,
    "noise_shape": [None, 1, 1],
    "normalize": True,
    "ns_steps": 3,
    "num_chains": 2,
    "num_labels": 2,
    "num_ops": 3,
    "num_regressors": 1,
    "num_thresholds": 50,
    "num_tokens": 9,
    "offset": 0.4,
    "optional": True,
    "output_axes": [1],
    "output_mode": "count",
    "output_padding": 1,
    "output_size": 2,
    "pad_to_aspect_ratio": True,
    "padding": "same",
    "pool_size": 3,
    "power": 2.0,
    "q": 0.3,
    "rate": 0.6,
    "reduction": "sum",
    "relative_step": False,
    "remove_diagonal": False,
    "renorm": True,
    "renorm_clipping": {"rmax": 3.0},
    "renorm_momentum": 0.9,
    "rho": 0.8,
    "rms_rate": 0.3,
    "saturation_factor": 0.2,
    "scale": 0.7,
    "seed": 7,
    "shared_axes": [1],
    "sigma": 0.7,
    "size": 3,
    "sparse": False,
    "sparse_y_pred": False,
    "sparse_y_true": False,
    "staircase": True,
    "strides": 2,
    "summation_method": "minoring",
    "synchronized": True,
    "t_mul": 3.0,
    "target_class_ids": [1],
    "threshold": 0.4,
    "threshold_factor": 0.3,
    "thresholds": [0.3, 0.6],
    "tile_grid_size": [4, 4],
    "top_k": 2,
    "trainable": False,
    "use_bias": False,
    "use_ema": True,
    "value": 2.5,
    "value_range": [0, 1],
    "variance": 0.5,
    "warmup_steps": 10,
    "warmup_target": 0.5,
    "weight_decay": 0.02,
    "width_factor": 0.25,
    "x_factor": 0.2,
    "y_factor": 0.3,
}
OTHER_OF = {
    ("AUC", "label_weights"): [0.2, 0.8],
    ("AUC", "num_labels"): 2,
    ("Activation", "activation"): "selu",
    ("AlphaDropout", "noise_shape"): [None, 1],
    ("BatchNormalization", "scale"): False,
    ("BinaryIoU", "target_class_ids"): [1],
    ("CategoryEncoding", "sparse"): False,
    ("Cropping1D", "cropping"): [1, 2],
    ("Cropping2D", "cropping"): [[1, 0], [2, 1]],
    ("Dense", "units"): 6,
    ("Dice", "axis"): [1, 2],
    ("Dot", "axes"): [1, 2],
    ("Dropout", "noise_shape"): [None, 1],
    ("FalseNegatives", "thresholds"): 0.3,
    ("FalsePositives", "thresholds"): 0.3,
    ("GroupNormalization", "groups"): 4,
    ("GroupNormalization", "scale"): False,
    ("LayerNormalization", "scale"): False,
    ("MaxNorm", "axis"): [0, 1],
    ("MinMaxNorm", "axis"): [0, 1],
    ("Normalization", "mean"): 0.3,
    ("OrthogonalRegularizer", "mode"): "columns",
    ("Permute", "dims"): [1, 2],
    ("Precision", "thresholds"): 0.3,
    ("R2Score", "num_regressors"): 2,
    ("RandomCrop", "name"): "own",
    ("RandomElasticTransform", "scale"): 0.5,
    ("RandomErasing", "scale"): [0.1, 0.2],
    ("RandomFlip", "mode"): "vertical",
    ("RandomGaussianBlur", "kernel_size"): 5,
    ("RandomHue", "factor"): 0.4,
    ("RandomPerspective", "scale"): 0.5,
    ("RandomPosterization", "factor"): 4,
    ("RandomSharpness", "factor"): 0.4,
    ("ReLU", "threshold"): 0.2,
    ("Recall", "thresholds"): 0.3,
    ("RepeatVector", "n"): 4,
    ("Reshape", "target_shape"): [-1, 2],
    ("Resizing", "fill_mode"): "constant",
    ("TrueNegatives", "thresholds"): 0.3,
    ("TruePositives", "thresholds"): 0.3,
    ("Tversky", "axis"): [1, 2],
    ("UnitNorm", "axis"): [0, 1],
    ("UnitNormalization", "axis"): 1,
    ("UpSampling2D", "interpolation"): "bilinear",
    ("VarianceScaling", "mode"): "fan_avg",
    ("ZeroPadding1D", "padding"): 2,
    ("ZeroPadding2D", "padding"): [[1, 2], [0, 1]],
}
# What an argument needs beside it.
WITH = {
    ("AUC", "label_weights"): {"multi_label": True},
    ("AUC", "num_labels"): {"multi_label": True},
    ("Conv2DTranspose", "output_padding"): {"strides": 2},
    ("Convolution1DTranspose", "output_padding"): {"strides": 2},
    ("CosineDecay", "warmup_target"): {"warmup_steps": 5},
    ("Normalization", "mean"): {"variance": 0.5},
    ("Normalization", "variance"): {"mean": 0.3},
    ("SGD", "nesterov"): {"momentum": 0.9},
}


def other_value(name, argument):
    if (name, argument) in OTHER_OF:
        return OTHER_OF[name, argument]
    if argument.endswith("_initializer"):
        return "he_normal" if argument.startswith(("kernel", "depthwise", "pointwise")) else constant
    if argument.endswith("_regularizer"):
        return {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}
    if argument.endswith("_constraint"):
        return {"class_name": "MaxNorm", "config": {"max_value": 3.0, "axis": [0]}}
    return OTHER.get(argument, NEEDED.get(argument))


constant = {"class_name": "Constant", "config": {"value": 0.3}}


def plain(value):
    return value.tolist() if hasattr(value, "tolist") else str(value)


def config_of(kind, name, options):
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    made = keras.saving.serialize_keras_object(getattr(KINDS[kind], name)(**options))
    return json.loads(json.dumps(made["config"], default=plain))


def arguments_of(kind, name):
    parameters = [
        parameter
        for parameter in inspect.signature(getattr(KINDS[kind], name)).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    required = {
        parameter.name: NEEDED_BY.get((name, parameter.name), NEEDED.get(parameter.name))
        for parameter in parameters
        if parameter.default is parameter.empty or (name, parameter.name) in NEEDED_BY
    }
    config = config_of(kind, name, required)
    names = [parameter.name for parameter in parameters]
    if kind == "layers":
        names += [common for common in ("name", "trainable", "dtype") if common not in names]
    others = {}
    for argument in names:
        if (name, argument) in NOT_TRIED:
            continue
        beside = {"use_ema": True} if argument.startswith("ema_") else WITH.get((name, argument), {})
        options = {**beside, argument: other_value(name, argument)}
        found = config_of(kind, name, {**required, **options})
        changed = {key: value for key, value in found.items() if key != "name" and config.get(key) != value}
        others[argument] = {"options": options, "config": changed}
    return {"required": required, "config": config, "others": others}


def main():
    inventory = json.loads((fixtures / "inventory.json").read_text())
    arguments = {
        kind: {name: arguments_of(kind, name) for name in inventory[kind] if name not in LEFT_OUT} for kind in KINDS
    }
    lines = ",\n".join(
        f' "{kind}": {{\n' + ",\n".join(f'  "{name}": {json.dumps(one)}' for name, one in classes.items()) + "\n }"
        for kind, classes in arguments.items()
    )
    (fixtures / "arguments.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
