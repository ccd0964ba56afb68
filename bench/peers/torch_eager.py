"""PyTorch, eager: default layout or `--channels-last`, optionally the model through `--compile`."""

from measure import check_parameters, data, options, peak_mb, repeat, report, since_asked, time_steps

found, network = options("--channels-last", "--compile")

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(found.threads)
torch.set_num_interop_threads(found.threads)


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


def batch_of(count):
    """Images in this layout, and labels."""
    x, y = data(found, network, count)
    layout = torch.channels_last if found.channels_last else torch.contiguous_format
    x = torch.tensor(x, dtype=torch.float32).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    return x, torch.tensor(y, dtype=torch.int64)


def predictor(forward, batch):
    x, _ = batch_of(batch)

    def predict():
        with torch.inference_mode():
            functional.softmax(forward(x), dim=1)

    return predict


def main():
    torch.manual_seed(1)
    height, width, channels = network.image
    model, _ = build(network.layers, (channels, height, width))
    check_parameters(sum(weight.numel() for weight in model.parameters()), network)
    if found.channels_last:
        model = model.to(memory_format=torch.channels_last)
    x, y = batch_of(found.batch)
    if network.optimizer == "adam":
        optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    # Each size of a batch gets code of its own, as here each is measured for itself.
    forward = torch.compile(model, dynamic=False) if found.compile else model

    def train():
        optimizer.zero_grad()
        functional.cross_entropy(forward(x), y).backward()
        optimizer.step()

    train()
    first_step = since_asked(found)
    times = time_steps(repeat(train), found)
    peak = peak_mb()
    model.eval()
    infer = [{"batch": batch, **time_steps(repeat(predictor(forward, batch)), found)} for batch in found.infer]
    peer = ("torch-compile" if found.compile else "torch-eager") + ("-channels-last" if found.channels_last else "")
    report(peer, found, peak=peak, train=times, first_step=first_step, infer=infer)


main()
