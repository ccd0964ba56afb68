"""Cases of one layer: which layers and shapes are drawn, and what Keras computes for them.

`KINDS` maps a kind, the stem of the file names, to a function of a `Draw` that returns a layer and the shapes of
its inputs. Every configuration drawn is one that Keras's TensorFlow backend computes on a CPU: channels last, no
stride together with dilation, equal strides for depthwise convolutions.
"""

import numpy as np
import tensorflow as tf
from case_files import numbered, take_numbered
from keras import layers

ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid hard_sigmoid log_sigmoid hard_silu tanh hard_tanh "
    "tanh_shrink hard_shrink soft_shrink softplus softsign squareplus exponential linear softmax log_softmax "
    "sparsemax sparse_plus sparse_sigmoid"
).split()
CONVOLUTION_ACTIVATIONS = (None, "relu", "relu", "tanh", "elu", "gelu", "silu", "sigmoid")


class Draw:
    """Random choices of one case. `number` counts within the kind, for lists that are gone through in order."""

    def __init__(self, rng, number):
        self.rng = rng
        self.number = number

    def of(self, *options):
        return options[self.rng.integers(len(options))]

    def turn(self, *options):
        return options[self.number % len(options)]

    def chance(self, probability):
        return bool(self.rng.random() < probability)

    def image(self, *channels):
        """The shape of a batch of images: [1 to 3, 7 to 13, 7 to 13, one of `channels`]."""
        return (self.of(1, 2, 3), *(int(extent) for extent in self.rng.integers(7, 14, 2)), self.of(*channels))

    def series(self, *channels):
        return (self.of(1, 2, 3), self.of(9, 12, 17), self.of(*channels))


def window_options(draw, kernels, strides=(1, 2, 3), dilations=(1, 2)):
    """Kernel size, padding, and either strides or dilation."""
    options = {"kernel_size": draw.of(*kernels), "padding": draw.of("valid", "same")}
    if draw.chance(0.3):
        options["dilation_rate"] = draw.of(*dilations)
    else:
        options["strides"] = draw.of(*strides)
    return options


def convolution_options(draw):
    return {"activation": draw.of(*CONVOLUTION_ACTIVATIONS), "use_bias": draw.chance(0.8)}


def conv2d(draw):
    groups = draw.of(1, 1, 1, 2, 4)
    shape = draw.image(*((1, 3, 4, 8, 16, 32) if groups == 1 else (4, 8)))
    window = window_options(draw, (1, 2, 3, 3, 5, (2, 3)), (1, 2, 3, (2, 1)), (2, (1, 2)))
    filters = draw.of(1, 2, 6, 8, 20, 32) if groups == 1 else groups * draw.of(1, 2, 4)
    return layers.Conv2D(filters, groups=groups, **window, **convolution_options(draw)), [shape]


def conv1d(draw):
    window = window_options(draw, (1, 2, 3, 5), (1, 2))
    if draw.chance(0.3):
        window["padding"] = "causal"
    return layers.Conv1D(draw.of(2, 4, 8), **window, **convolution_options(draw)), [draw.series(1, 3, 4)]


def conv2d_transpose(draw):
    window = {"kernel_size": draw.of(2, 3, 4, (3, 2)), "padding": draw.of("valid", "same")}
    window["strides"] = draw.of(1, 2, 3, (2, 1))
    return layers.Conv2DTranspose(draw.of(2, 4, 8), **window, **convolution_options(draw)), [draw.image(1, 3, 5, 8)]


def conv1d_transpose(draw):
    window = {"kernel_size": draw.of(2, 3, 4), "padding": draw.of("valid", "same"), "strides": draw.of(1, 2, 3)}
    return layers.Conv1DTranspose(draw.of(2, 4, 8), **window, **convolution_options(draw)), [draw.series(1, 3, 4)]


def depthwise_conv2d(draw):
    window = window_options(draw, (1, 2, 3, 3, 5, (1, 3), (3, 2)), dilations=(2, (1, 2)))
    layer = layers.DepthwiseConv2D(depth_multiplier=draw.of(1, 1, 2, 3), **window, **convolution_options(draw))
    return layer, [draw.image(1, 2, 3, 5, 8, 16)]


def depthwise_conv1d(draw):
    window = window_options(draw, (1, 2, 3, 5))
    layer = layers.DepthwiseConv1D(depth_multiplier=draw.of(1, 1, 2), **window, **convolution_options(draw))
    return layer, [draw.series(1, 3, 4)]


def separable_conv2d(draw):
    window = window_options(draw, (1, 2, 3, 3, 5, (1, 3), (3, 2)), dilations=(2, (1, 2)))
    options = {"depth_multiplier": draw.of(1, 1, 2), **window, **convolution_options(draw)}
    return layers.SeparableConv2D(draw.of(2, 4, 8), **options), [draw.image(1, 2, 3, 5, 8, 16)]


def separable_conv1d(draw):
    options = {"depth_multiplier": draw.of(1, 1, 2), **window_options(draw, (1, 2, 3, 5)), **convolution_options(draw)}
    return layers.SeparableConv1D(draw.of(2, 4, 8), **options), [draw.series(1, 3, 4)]


def dense(draw):
    shape = draw.of((3, 5), (4, 128), (2, 33), (2, 3, 7), (2, 3, 4, 5))
    return layers.Dense(draw.of(1, 3, 10, 17, 64), activation=draw.of(None, *ACTIVATIONS), use_bias=draw.chance(0.8)), [
        shape
    ]


def pooling_options(draw, pools, strides):
    return {"pool_size": draw.of(*pools), "strides": draw.of(None, *strides), "padding": draw.of("valid", "same")}


def max_pooling2d(draw):
    options = pooling_options(draw, (2, 2, 3, (2, 3)), (1, 2, (2, 1)))
    return layers.MaxPooling2D(**options), [draw.image(1, 2, 3, 4, 5, 8, 16)]


def average_pooling2d(draw):
    options = pooling_options(draw, (2, 2, 3, (2, 3)), (1, 2, (2, 1)))
    return layers.AveragePooling2D(**options), [draw.image(1, 2, 3, 4, 5, 8, 16)]


def pooling1d(draw):
    layer = draw.turn(layers.MaxPooling1D, layers.AveragePooling1D)
    return layer(**pooling_options(draw, (2, 3, 4), (1, 2, 3))), [draw.series(1, 3, 4)]


def global_pooling2d(draw):
    layer = draw.turn(layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)
    return layer(keepdims=draw.chance(0.5)), [draw.image(1, 2, 3, 4, 5, 8, 16)]


def global_pooling1d(draw):
    layer = draw.turn(layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D)
    return layer(keepdims=draw.chance(0.5)), [draw.series(1, 3, 4)]


def adaptive_pooling(draw):
    layer = draw.turn(layers.AdaptiveAveragePooling2D, layers.AdaptiveMaxPooling2D)
    sizes = (2, 3, (2, 4), (5, 3))
    if layer is layers.AdaptiveAveragePooling2D:  # Keras 3.15.1 divides by zero for a maximum over a whole axis
        sizes += (1,)
    return layer(draw.of(*sizes)), [draw.image(1, 3, 4)]


def batch_normalization(draw):
    options = {"momentum": draw.of(0.99, 0.9), "epsilon": draw.of(1e-3, 1e-5)}
    layer = layers.BatchNormalization(center=draw.chance(0.8), scale=draw.chance(0.8), **options)
    return layer, [draw.of((8, 5), (4, 6, 3), draw.image(1, 3, 4))]


def layer_normalization(draw):
    options = {"center": draw.chance(0.7), "scale": draw.chance(0.7), "epsilon": draw.of(1e-3, 1e-6)}
    return layers.LayerNormalization(axis=draw.of(-1, -1, [1, 2, 3]), **options), [(2, 4, 5, 6)]


def group_normalization(draw):
    return layers.GroupNormalization(draw.of(1, 2, 4, 8), epsilon=draw.of(1e-3, 1e-5)), [(2, 5, 6, 8)]


def vector_normalization(draw):
    layer = draw.turn(layers.UnitNormalization, layers.RMSNormalization)
    return layer(axis=-1), [draw.of((3, 7), (2, 4, 5, 6))]


def activation(draw):
    return layers.Activation(draw.turn(*ACTIVATIONS)), [draw.of((3, 7), (2, 4, 4, 3))]


def activation_layers(draw):
    make = draw.turn(
        lambda: layers.ReLU(
            max_value=draw.of(None, 1.0, 6.0), negative_slope=draw.of(0.0, 0.1), threshold=draw.of(0.0, 0.2)
        ),
        lambda: layers.LeakyReLU(negative_slope=draw.of(0.1, 0.3)),
        lambda: layers.PReLU(alpha_initializer="ones", shared_axes=draw.of(None, [1, 2])),
        lambda: layers.ELU(alpha=draw.of(1.0, 0.5)),
        lambda: layers.Softmax(axis=draw.of(-1, 1)),
    )
    return make(), [(2, 4, 5, 3)]


def merging(draw):
    layer = draw.turn(
        layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
    )
    count = 2 if layer is layers.Subtract else draw.of(2, 3)
    return layer(), [(2, 5, 4, 3)] * count


def joining(draw):
    if draw.turn(False, False, True):
        layer = layers.Dot(axes=draw.of(1, -1), normalize=draw.chance(0.5))
        return layer, [(3, 6), (3, 6)]
    axis = draw.of(-1, 1, 2, 3)
    shapes = [[2, 5, 4, 3] for _ in range(draw.of(2, 3))]
    for shape in shapes:
        shape[axis] = draw.of(1, 3, 8)
    return layers.Concatenate(axis=axis), [tuple(shape) for shape in shapes]


def reshaping(draw):
    make = draw.turn(
        lambda: layers.Flatten(),
        lambda: layers.Reshape(draw.of((-1, 6), (6, 4, 6), (144,), (2, -1))),
        lambda: layers.Permute(draw.of((2, 1, 3), (3, 1, 2))),
        lambda: layers.ZeroPadding2D(draw.of(1, (2, 1), ((1, 0), (2, 3)))),
        lambda: layers.Cropping2D(draw.of(1, (1, 0), ((1, 0), (2, 3)))),
        lambda: layers.UpSampling2D(draw.of(2, (2, 3)), interpolation=draw.of("nearest", "bilinear")),
        lambda: layers.Identity(),
    )
    return make(), [(2, 4, 6, 6)]


def reshaping1d(draw):
    make = draw.turn(
        lambda: layers.ZeroPadding1D(draw.of(1, (0, 2))),
        lambda: layers.Cropping1D(draw.of(1, (0, 2))),
        lambda: layers.UpSampling1D(draw.of(2, 3)),
        lambda: layers.RepeatVector(draw.of(1, 3)),
    )
    layer = make()
    return layer, [(3, 5) if isinstance(layer, layers.RepeatVector) else (2, 7, 3)]


def preprocessing(draw):
    size = {"height": draw.of(5, 8, 13), "width": draw.of(6, 9)}
    make = draw.turn(
        lambda: layers.Rescaling(1 / 255),
        lambda: layers.Rescaling(1 / 127.5, offset=-1.0),
        lambda: layers.Rescaling([0.5, 1.0, 2.0], offset=[0.1, -1.0, 0.0]),
        lambda: layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5], invert=draw.chance(0.3)),
        lambda: layers.Resizing(**size, interpolation=draw.of("bilinear", "nearest")),
        lambda: layers.CenterCrop(4, 5),
    )
    return make(), [(2, 7, 8, 3)]


def noise(draw):
    """Layers that are random in training; their cases hold the inference output alone."""
    make = draw.turn(
        lambda: layers.Dropout(draw.of(0.2, 0.5)),
        lambda: layers.SpatialDropout2D(0.3),
        lambda: layers.GaussianNoise(0.1),
        lambda: layers.GaussianDropout(0.4),
        lambda: layers.AlphaDropout(0.2),
    )
    return make(), [(2, 4, 5, 3)]


KINDS = {
    draw_case.__name__: draw_case
    for draw_case in (
        activation,
        activation_layers,
        adaptive_pooling,
        average_pooling2d,
        batch_normalization,
        conv1d,
        conv1d_transpose,
        conv2d,
        conv2d_transpose,
        dense,
        depthwise_conv1d,
        depthwise_conv2d,
        global_pooling1d,
        global_pooling2d,
        group_normalization,
        joining,
        layer_normalization,
        max_pooling2d,
        merging,
        noise,
        pooling1d,
        preprocessing,
        reshaping,
        reshaping1d,
        separable_conv1d,
        separable_conv2d,
        vector_normalization,
    )
}


def draw_layer_case(kind, number, rng):
    """A new case of a kind: its facts and arrays."""
    layer, shapes = KINDS[kind](Draw(rng, number))
    pixels = kind == "preprocessing"
    inputs = [(rng.uniform(0, 255, s) if pixels else rng.standard_normal(s)).astype("f") for s in shapes]
    build(layer, shapes)
    weights = [draw_weight(weight, rng) for weight in layer.weights]
    output = call(layer, inputs, weights, training=False)
    return compute_layer_case(layer, inputs, weights, rng.standard_normal(output.shape).astype("f"))


def repeat_layer_case(facts, arrays):
    """A stored case computed again: its layer from the config, its inputs, weights and cotangent as stored."""
    layer = getattr(layers, facts["class_name"]).from_config(facts["config"])
    build(layer, [tuple(shape) for shape in facts["input_shapes"]])
    inputs, weights = take_numbered("inputs", arrays), take_numbered("weights", arrays)
    return compute_layer_case(layer, inputs, weights, arrays.get("cotangent"))


def compute_layer_case(layer, inputs, weights, cotangent):
    arrays = {
        **numbered("inputs", inputs),
        **numbered("weights", weights),
        "output": call(layer, inputs, weights, training=False),
    }
    if not draws_random_numbers(layer):
        arrays |= compute_training(layer, inputs, weights, cotangent)
    facts = {
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "input_shapes": [list(array.shape) for array in inputs],
        "weights": [
            {"name": w.name, "path": w.path, "shape": list(w.shape), "trainable": w.trainable} for w in layer.weights
        ],
    }
    return facts, arrays


def compute_training(layer, inputs, weights, cotangent):
    """Output in training, gradients of sum(output · cotangent), and the weights that the call itself changed."""
    assign(layer, weights)
    tensors = [tf.constant(array) for array in inputs]
    trainable = [(i, weight.value) for i, weight in enumerate(layer.weights) if weight.trainable]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = layer(tensors if len(tensors) > 1 else tensors[0], training=True)
        objective = tf.reduce_sum(output * cotangent)
    input_grads, weight_grads = tape.gradient(
        objective, (tensors, [value for _, value in trainable]), unconnected_gradients="zero"
    )
    return {
        "cotangent": cotangent,
        "output_training": output.numpy(),
        **numbered("input_grads", input_grads),
        **{f"weight_grads.{i}": grad.numpy() for (i, _), grad in zip(trainable, weight_grads)},
        **{f"updated_weights.{i}": w.numpy() for i, w in enumerate(layer.weights) if not w.trainable},
    }


def build(layer, shapes):
    layer.build(list(shapes) if len(shapes) > 1 else shapes[0])


def assign(layer, weights):
    for variable, value in zip(layer.weights, weights, strict=True):
        variable.assign(value)


def call(layer, inputs, weights, training):
    assign(layer, weights)
    return layer(list(inputs) if len(inputs) > 1 else inputs[0], training=training).numpy()


def draw_weight(weight, rng):
    if weight.name == "moving_variance":
        return rng.uniform(0.5, 1.5, weight.shape).astype("f")
    return (0.5 * rng.standard_normal(weight.shape)).astype("f")


def draws_random_numbers(layer):
    return hasattr(layer, "seed_generator")
