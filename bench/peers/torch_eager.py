"""PyTorch, eager: default layout or `--channels-last`, optionally the model through `--compile`."""

from measure import best_ms, check_parameters, options, repeat, report

found, network = options("--channels-last", "--compile")

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(found.threads)


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return functional.relu(self.body(x) + self.shortcut(x))


def build(parts, shape):
    """The layers as one module, and its output's shape [channels, height, width] or [features].

    Padding is the same on both sides, PyTorch's habit; with a stride Keras pads the end alone. Shapes and work agree.
    """
    modules = []
    for part in parts:
        module = build_one(part, shape)
        modules.append(module)
        with torch.no_grad():
            shape = tuple(module.eval()(torch.zeros(1, *shape)).shape[1:])
        module.train()
    return nn.Sequential(*modules), shape


def build_one(part, shape):
    channels = shape[0]
    match part.kind:
        case "scale":
            return Scale(part.factor)
        case "conv":
            padding = part.kernel // 2 if part.padding == "same" else 0
            return nn.Conv2d(channels, part.filters, part.kernel, part.stride, padding, bias=part.bias)
        case "depthwise":
            padding = part.kernel // 2
            return nn.Conv2d(channels, channels, part.kernel, part.stride, padding, groups=channels, bias=False)
        case "norm":
            return nn.BatchNorm2d(channels)
        case "relu":
            return nn.ReLU()
        case "tanh":
            return nn.Tanh()
        case "max_pool":
            return nn.MaxPool2d(2)
        case "average_pool":
            return nn.AvgPool2d(2)
        case "global_average_pool":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "flatten":
            return nn.Flatten()
        case "dropout":
            return nn.Dropout(part.rate)
        case "dense":
            return nn.Linear(channels, part.units)
        case "residual":
            return Residual(build(part.body, shape)[0], build(part.shortcut, shape)[0])
    raise ValueError(part.kind)


def main():
    torch.manual_seed(1)
    height, width, channels = network.image
    model, _ = build(network.layers, (channels, height, width))
    check_parameters(sum(weight.numel() for weight in model.parameters()), network)
    x, y = torch.rand(found.batch, channels, height, width), torch.randint(0, 10, (found.batch,))
    if found.channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    if network.optimizer == "adam":
        optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    forward = torch.compile(model) if found.compile else model

    def train():
        optimizer.zero_grad()
        functional.cross_entropy(forward(x), y).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            functional.softmax(forward(x), dim=1)

    train_ms = best_ms(repeat(train, found.steps), found.steps, found.rounds)
    model.eval()
    infer_ms = best_ms(repeat(infer, found.steps), found.steps, found.rounds)
    peer = ("torch-compile" if found.compile else "torch-eager") + ("-channels-last" if found.channels_last else "")
    report(peer, found, train_ms=train_ms, infer_ms=infer_ms)


main()
