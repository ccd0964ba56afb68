"""ONNX Runtime, inference only: the network as an ONNX graph with random weights, channels first as it wants them."""

from measure import check_parameters, data, options, peak_mb, repeat, report, time_steps

found, network = options()

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)


class Graph:
    """An ONNX graph under construction; `tensor` is the name of what was computed last, `shape` its shape."""

    def __init__(self, shape):
        self.nodes, self.weights, self.parameters = [], [], 0
        self.tensor, self.shape = "images", shape

    def weight(self, array, trainable=True):
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array.astype("f"), name))
        self.parameters += array.size if trainable else 0
        return name

    def normal(self, *shape, fan_in):
        return self.weight(rng.standard_normal(shape) * np.sqrt(2 / fan_in))

    def node(self, kind, *others, shape=None, **attributes):
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.tensor, *others], [name], **attributes))
        self.tensor, self.shape = name, self.shape if shape is None else shape

    def convolve(self, filters, kernel, stride, padding, groups, bias):
        channels, height, width = self.shape
        if padding == "same":
            out = [-(-extent // stride) for extent in (height, width)]
            total = [max(0, (o - 1) * stride + kernel - extent) for o, extent in zip(out, (height, width))]
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]
        else:
            out, pads = [(extent - kernel) // stride + 1 for extent in (height, width)], [0] * 4
        fan_in = channels // groups * kernel * kernel
        weights = [self.normal(filters, channels // groups, kernel, kernel, fan_in=fan_in)]
        weights += [self.weight(np.zeros(filters))] if bias else []
        self.node("Conv", *weights, shape=(filters, *out), strides=[stride] * 2, pads=pads, group=groups)

    def add(self, parts):
        for part in parts:
            self.add_one(part)

    def add_one(self, part):
        channels = self.shape[0]
        match part.kind:
            case "scale":
                self.node("Mul", self.weight(np.full((), part.factor), trainable=False))
            case "conv":
                self.convolve(part.filters, part.kernel, part.stride, part.padding, 1, part.bias)
            case "depthwise":
                self.convolve(channels, part.kernel, part.stride, "same", channels, False)
            case "norm":
                affine = [self.weight(np.ones(channels)), self.weight(np.zeros(channels))]
                moving = [self.weight(array(channels), trainable=False) for array in (np.zeros, np.ones)]
                self.node("BatchNormalization", *affine, *moving, epsilon=1e-3)
            case "relu" | "tanh":
                self.node(part.kind.capitalize())
            case "max_pool" | "average_pool":
                kind = "MaxPool" if part.kind == "max_pool" else "AveragePool"
                shape = (channels, self.shape[1] // 2, self.shape[2] // 2)
                self.node(kind, shape=shape, kernel_shape=[2, 2], strides=[2, 2])
            case "global_average_pool":
                self.node("GlobalAveragePool", shape=(channels, 1, 1))
                self.node("Flatten", shape=(channels,))
            case "flatten":
                self.node("Flatten", shape=(int(np.prod(self.shape)),))
            case "dropout":
                return
            case "dense":
                kernel = self.normal(channels, part.units, fan_in=channels)
                self.node("Gemm", kernel, self.weight(np.zeros(part.units)), shape=(part.units,))
            case "residual":
                start = self.tensor, self.shape
                self.add(part.body)
                body = self.tensor
                self.tensor, self.shape = start
                self.add(part.shortcut)
                self.node("Add", body)
                self.node("Relu")
            case _:
                raise ValueError(part.kind)


def build(shape, batch):
    graph = Graph(shape)
    graph.add(network.layers)
    graph.node("Softmax", axis=1)
    check_parameters(graph.parameters, network)
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, *shape])]
    outputs = [helper.make_tensor_value_info(graph.tensor, TensorProto.FLOAT, [batch, *graph.shape])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, found.network, inputs, outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def predictor(batch):
    height, width, channels = network.image
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = found.threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        build((channels, height, width), batch), settings, providers=["CPUExecutionProvider"]
    )
    images = data(found, network, batch)[0].astype(np.float32).transpose(0, 3, 1, 2)
    feed = {"images": np.ascontiguousarray(images)}
    return lambda: session.run(None, feed)


def main():
    infer = [{"batch": batch, **time_steps(repeat(predictor(batch)), found)} for batch in found.infer]
    report("onnxruntime", found, peak=peak_mb(), infer=infer)


main()
