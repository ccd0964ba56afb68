"""Writes the ONNX files that the tests of the import read: small networks with random weights, exported by PyTorch, by
Keras, and single nodes made with the `onnx` package.

    python tools/onnx/write_models.py [FOLDER]

Default folder: `test/fixtures/onnx`. What they compute is not stored: the tests ask onnxruntime.
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

warnings.filterwarnings("ignore")


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.shortcut = nn.Conv2d(8, 8, 1, stride=2)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = torch.relu(self.bn1(self.first(x)))
        x = torch.relu(self.bn2(self.second(x)) + self.shortcut(x))
        return self.head(x.mean(dim=(2, 3)))


class Viewed(nn.Module):
    """Flattens by a view that asks for the batch, after channels-first maps of several pixels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5)
        self.head = nn.Linear(6 * 6 * 5, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.tanh(self.conv(x)), 2)
        x = x.view(x.size(0), -1)
        return nn.functional.log_softmax(self.head(x), dim=1)


class Squeeze(nn.Module):
    """Squeeze and excitation over depthwise convolutions, as MobileNetV3 has it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 16, 5, padding=2, groups=8)
        self.reduce = nn.Conv2d(16, 4, 1)
        self.expand = nn.Conv2d(4, 16, 1)
        self.grouped = nn.Conv2d(16, 12, 3, groups=4, dilation=2)
        self.head = nn.Linear(12, 4)

    def forward(self, x):
        x = nn.functional.hardswish(self.stem(x))
        x = nn.functional.relu6(self.depthwise(x))
        gate = nn.functional.relu(self.reduce(nn.functional.adaptive_avg_pool2d(x, 1)))
        x = x * nn.functional.hardsigmoid(self.expand(gate))
        x = nn.functional.leaky_relu(self.grouped(x), 0.1)
        return torch.softmax(self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1)), dim=1)


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 4, (1, 3), padding=(0, 1))
        self.right = nn.Conv2d(3, 4, (3, 1), padding=(1, 0))
        self.slope = nn.PReLU(8)
        self.up = nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        x = torch.cat([nn.functional.elu(self.left(x)), nn.functional.selu(self.right(x))], dim=1)
        x = nn.functional.avg_pool2d(self.slope(x), 3, stride=2, padding=1)
        x = nn.functional.pad(x, (1, 0, 0, 2))
        return self.up(nn.functional.max_pool2d(x - 0.5, 3, stride=2, padding=1, ceil_mode=True))


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        x = nn.functional.gelu(x) + nn.functional.silu(x) * nn.functional.softplus(x) - nn.functional.mish(x)
        return self.second(torch.clamp(x, -1.5, 2.0) / 3 + nn.functional.softsign(x))


def settle(model):
    """Statistics and weights as after training, not those of the beginning."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.3, 0.3)
    return model.eval()


def export(path, model, shape, *, dynamo=False, opset=17, open_batch=True, training=False):
    x = torch.rand(2, *shape)
    mode = torch.onnx.TrainingMode.PRESERVE if training else torch.onnx.TrainingMode.EVAL
    names = {"input_names": ["x"], "output_names": ["y"]}
    if dynamo:
        batch = torch.export.Dim("batch") if open_batch else None
        shapes = ({0: batch},) if open_batch else None
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, dynamic_shapes=shapes, **names)
    else:
        axes = {"x": {0: "batch"}, "y": {0: "batch"}} if open_batch else None
        torch.onnx.export(
            model, (x,), path, dynamo=False, opset_version=opset, dynamic_axes=axes, training=mode, **names
        )
    strip(path)


def strip(path):
    """Where a node comes from in the exporting program is no part of the network."""
    stored = onnx.load(path)
    for node in stored.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*stored.graph.input, *stored.graph.output, *stored.graph.value_info, *stored.graph.initializer]:
        del value.metadata_props[:]
    del stored.graph.value_info[:]
    del stored.metadata_props[:]
    del stored.graph.metadata_props[:]
    onnx.save(stored, path)


def nodes(path, steps, shape, constants, opset):
    """A chain of single nodes: (operator, further inputs, attributes)."""
    current, made = "x", []
    for i, (op, more, attributes) in enumerate(steps):
        made.append(helper.make_node(op, [current, *more], [f"v{i}"], name=f"{op}_{i}", **attributes))
        current = f"v{i}"
    made.append(helper.make_node("Identity", [current], ["y"], name="last"))
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(
        made,
        "chain",
        [value("x", ["batch", *shape])],
        [value("y", None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, path)


def chains(folder):
    random = np.random.default_rng(5)
    floats = lambda *shape: random.uniform(-1, 1, shape).astype(np.float32)
    whole = lambda *values: np.array(values, np.int64)
    nodes(
        folder / "nodes_padding.onnx",
        [
            ("Conv", ["k"], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
            ("AveragePool", [], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
            ("Conv", ["k2"], {"pads": [0, 1, 2, 0], "auto_pad": "NOTSET"}),
            ("MaxPool", [], {"kernel_shape": [2, 3], "auto_pad": "SAME_UPPER", "strides": [1, 2]}),
            ("Pad", ["pads", "value"], {}),
            ("AveragePool", [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
            ("GlobalMaxPool", [], {}),
            ("Squeeze", ["axes"], {}),
            ("Unsqueeze", ["last"], {}),
            ("ReduceMean", [], {"axes": [2], "keepdims": 0}),
        ],
        [2, 13, 11],
        {
            "k": floats(4, 2, 3, 3),
            "k2": floats(5, 4, 2, 2),
            "pads": whole(0, 0, 1, 2, 0, 0, 0, 1),
            "value": np.array(-0.25, np.float32),
            "axes": whole(2, 3),
            "last": whole(-1),
        },
        17,
    )
    nodes(
        folder / "nodes_arithmetic.onnx",
        [
            ("BatchNormalization", ["s", "b", "m", "v"], {"epsilon": 1e-3}),
            ("Mul", ["s3"], {}),
            ("Sub", ["map"], {}),
            ("Div", ["divisor"], {}),
            ("Clip", ["low", "high"], {}),
            ("Transpose", [], {"perm": [0, 2, 3, 1]}),
            ("Add", ["s"], {}),
            ("Dropout", [], {}),
            ("MatMul", ["w"], {}),
            ("Cast", [], {"to": TensorProto.FLOAT}),
            ("Transpose", [], {"perm": [0, 3, 1, 2]}),
            ("Flatten", [], {}),
            ("Gemm", ["g", "c"], {"alpha": 0.5, "beta": 2.0, "transB": 1}),
        ],
        [3, 4, 5],
        {
            "s": floats(3),
            "b": floats(3),
            "m": floats(3),
            "v": np.abs(floats(3)) + np.float32(0.5),
            "s3": floats(3, 1, 1),
            "divisor": np.abs(floats(1, 3, 1, 1)) + np.float32(0.5),
            "map": floats(4, 5),
            "low": np.array(-0.9, np.float32),
            "high": np.array(1.1, np.float32),
            "w": floats(3, 2),
            "g": floats(6, 40),
            "c": floats(6),
        },
        13,
    )
    nodes(
        folder / "nodes_old.onnx",
        [
            ("Clip", [], {"min": 0.0, "max": 6.0}),
            ("HardSigmoid", [], {"alpha": 0.3}),
            ("Unsqueeze", [], {"axes": [3]}),
            ("Squeeze", [], {"axes": [3]}),
            ("Pad", [], {"pads": [0, 0, 0, 0, 2, 1]}),
            ("Reshape", ["shape"], {}),
            ("Softmax", [], {}),
        ],
        [3, 4],
        {"shape": whole(0, -1)},
        9,
    )


def keras_models(folder):
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input((10, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.SeparableConv2D(8, 3, activation="swish")(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(4, activation="softmax")(x)
    model = keras.Model(inputs, outputs)
    model(np.zeros((2, 10, 8, 3), np.float32))
    model.export(folder / "keras.onnx", format="onnx", verbose=False)
    strip(folder / "keras.onnx")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("test/fixtures/onnx"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    export(folder / "torch_residual.onnx", settle(Residual()), (3, 9, 8))
    export(folder / "torch_residual_bn.onnx", settle(Residual()), (3, 9, 8), training=True)
    export(folder / "torch_view.onnx", settle(Viewed()), (1, 16, 14), opset=11)
    export(folder / "torch_fixed_batch.onnx", settle(Viewed()), (1, 16, 14), open_batch=False)
    export(folder / "torch_squeeze.onnx", settle(Squeeze()), (3, 20, 20))
    export(folder / "torch_squeeze_dynamo.onnx", settle(Squeeze()), (3, 20, 20), dynamo=True)
    export(folder / "torch_branches.onnx", settle(Branches()), (3, 12, 10))
    export(folder / "torch_activations.onnx", settle(Activations()), (6,))
    export(folder / "torch_activations_dynamo.onnx", settle(Activations()), (6,), dynamo=True)
    chains(folder)
    keras_models(folder)
    size = sum(path.stat().st_size for path in folder.glob("*.onnx"))
    print(f"{len(list(folder.glob('*.onnx')))} files, {size} bytes")


if __name__ == "__main__":
    main()
