"""The networks of the benchmark as plain data; each peer builds them from here, so that all run the same ones.

A network is a list of layers, a layer a `Layer(kind, options)`:

    scale(factor)   conv(filters, kernel, stride, padding, bias)   depthwise(kernel, stride)   norm()   relu()   tanh()
    max_pool()   average_pool()   global_average_pool()   flatten()   dropout(rate)   dense(units)
    residual(body, shortcut)        relu(body(x) + shortcut(x)); an empty shortcut is x itself

Images are named channels last, [height, width, channels]; a peer may hold them otherwise. Pools are 2 by 2. The last
layer gives ten numbers, which each peer's loss takes as logits or turns into probabilities, as is usual there.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layer:
    kind: str
    options: dict = field(default_factory=dict)

    def __getattr__(self, name):
        try:
            return self.__dict__["options"][name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Network:
    image: tuple
    layers: list
    optimizer: str  # adam (Keras's defaults) · momentum (SGD, learning rate 0.1, momentum 0.9)
    parameters: int  # the trainable ones: every peer checks that it has built just these
    batches: tuple


def scale(factor):
    return Layer("scale", {"factor": factor})


def conv(filters, kernel, stride=1, padding="same", bias=True):
    return Layer(
        "conv", {"filters": filters, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias}
    )


def depthwise(kernel, stride=1):
    """Padding same, no bias."""
    return Layer("depthwise", {"kernel": kernel, "stride": stride})


def dropout(rate):
    return Layer("dropout", {"rate": rate})


def dense(units):
    return Layer("dense", {"units": units})


def residual(body, shortcut=()):
    return Layer("residual", {"body": list(body), "shortcut": list(shortcut)})


NORM, RELU, TANH = Layer("norm"), Layer("relu"), Layer("tanh")
MAX_POOL, AVERAGE_POOL, GLOBAL_AVERAGE_POOL = Layer("max_pool"), Layer("average_pool"), Layer("global_average_pool")
FLATTEN = Layer("flatten")


def conv_norm_relu(filters, kernel=3, stride=1):
    return [conv(filters, kernel, stride, bias=False), NORM, RELU]


def article():
    layers = [scale(1 / 255)]
    for filters in (32, 64, 128):
        layers += [conv(filters, 3, padding="valid"), RELU, MAX_POOL]
    return [*layers, FLATTEN, dropout(0.5), dense(10)]


def lenet5():
    """With average pooling and tanh, as in 1998."""
    features = [conv(6, 5), TANH, AVERAGE_POOL, conv(16, 5, padding="valid"), TANH, AVERAGE_POOL]
    return [*features, FLATTEN, dense(120), TANH, dense(84), TANH, dense(10)]


def mlp():
    return [FLATTEN, dense(512), RELU, dense(512), RELU, dense(10)]


def resnet20():
    layers = conv_norm_relu(16)
    for filters, first_stride in ((16, 1), (32, 2), (64, 2)):
        for stride in (first_stride, 1, 1):
            body = [*conv_norm_relu(filters, 3, stride), conv(filters, 3, bias=False), NORM]
            shortcut = [conv(filters, 1, stride, bias=False), NORM] if stride > 1 else []
            layers.append(residual(body, shortcut))
    return [*layers, GLOBAL_AVERAGE_POOL, dense(10)]


def vgg():
    layers = []
    for filters in (32, 64, 128):
        layers += [*conv_norm_relu(filters), *conv_norm_relu(filters), MAX_POOL]
    return [*layers, FLATTEN, dense(10)]


def mobilenet():
    layers = conv_norm_relu(32)
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2)):
        layers += [depthwise(3, stride), NORM, RELU, *conv_norm_relu(filters, 1)]
    return [*layers, GLOBAL_AVERAGE_POOL, dense(10)]


DIGIT, PHOTO = (28, 28, 1), (32, 32, 3)

NETWORKS = {
    "article": Network(DIGIT, article(), "adam", 93_962, (32,)),
    "lenet5": Network(DIGIT, lenet5(), "adam", 61_706, (32,)),
    "mlp": Network(DIGIT, mlp(), "adam", 669_706, (32, 128)),
    "resnet20": Network(PHOTO, resnet20(), "momentum", 272_474, (32, 128)),
    "vgg": Network(PHOTO, vgg(), "adam", 307_946, (64,)),
    "mobilenet": Network(PHOTO, mobilenet(), "adam", 67_914, (32,)),
}
