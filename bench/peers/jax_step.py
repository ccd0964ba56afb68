"""JAX: the training step written by hand and jitted, parameters donated; channels last."""

from measure import check_parameters, data, options, peak_mb, repeat, report, since_asked, time_steps

found, network = options()

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

rng = np.random.default_rng(1)


def normal(*shape):
    fan_in = int(np.prod(shape[:-1]))
    return jnp.asarray(rng.standard_normal(shape) * np.sqrt(2 / fan_in), jnp.float32)


def initial(parts, channels, shape):
    """Trainable parameters and moving statistics of `parts`, one dictionary a layer each, and the output's shape."""
    all_params, all_stats = [], []
    for part in parts:
        params, stats = initial_one(part, channels, shape)
        all_params.append(params)
        all_stats.append(stats)
        shape = jax.eval_shape(
            lambda p, s, part=part: apply([part], [p], [s], jnp.zeros((1, *shape)), None)[0], params, stats
        ).shape[1:]
        channels = shape[-1]
    return all_params, all_stats, shape


def initial_one(part, channels, shape):
    match part.kind:
        case "conv":
            kernel = normal(part.kernel, part.kernel, channels, part.filters)
            return {"kernel": kernel} | ({"bias": jnp.zeros(part.filters)} if part.bias else {}), {}
        case "depthwise":
            return {"kernel": normal(part.kernel, part.kernel, 1, channels)}, {}
        case "norm":
            params = {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}
            return params, {"mean": jnp.zeros(channels), "variance": jnp.ones(channels)}
        case "dense":
            return {"kernel": normal(channels, part.units), "bias": jnp.zeros(part.units)}, {}
        case "residual":
            body, body_stats, _ = initial(part.body, channels, shape)
            shortcut, shortcut_stats, _ = initial(part.shortcut, channels, shape)
            return {"body": body, "shortcut": shortcut}, {"body": body_stats, "shortcut": shortcut_stats}
    return {}, {}


def apply(parts, params, stats, x, key):
    """The output and the new statistics. `key` seeds dropout and means training; None means inference."""
    new_stats = []
    for number, (part, p, s) in enumerate(zip(parts, params, stats, strict=True)):
        x, s = apply_one(part, p, s, x, None if key is None else jax.random.fold_in(key, number))
        new_stats.append(s)
    return x, new_stats


def apply_one(part, p, s, x, key):
    match part.kind:
        case "scale":
            return x * part.factor, s
        case "conv":
            y = convolve(x, p["kernel"], part.stride, part.padding.upper())
            return (y + p["bias"] if part.bias else y), s
        case "depthwise":
            return convolve(x, p["kernel"], part.stride, "SAME", groups=x.shape[-1]), s
        case "norm":
            return normalize(p, s, x, training=key is not None)
        case "relu":
            return jax.nn.relu(x), s
        case "tanh":
            return jnp.tanh(x), s
        case "max_pool":
            return pool(x, -jnp.inf, lax.max), s
        case "average_pool":
            return pool(x, 0.0, lax.add) / 4, s
        case "global_average_pool":
            return x.mean((1, 2)), s
        case "flatten":
            return x.reshape(x.shape[0], -1), s
        case "dropout":
            if key is None:
                return x, s
            keep = jax.random.bernoulli(key, 1 - part.rate, x.shape)
            return jnp.where(keep, x / (1 - part.rate), 0), s
        case "dense":
            return x @ p["kernel"] + p["bias"], s
        case "residual":
            body, body_stats = apply(part.body, p["body"], s["body"], x, key)
            shortcut, shortcut_stats = apply(part.shortcut, p["shortcut"], s["shortcut"], x, key)
            return jax.nn.relu(body + shortcut), {"body": body_stats, "shortcut": shortcut_stats}
    raise ValueError(part.kind)


def convolve(x, kernel, stride, padding, groups=1):
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def normalize(p, s, x, training):
    mean, variance = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (s["mean"], s["variance"])
    if training:
        s = {"mean": 0.99 * s["mean"] + 0.01 * mean, "variance": 0.99 * s["variance"] + 0.01 * variance}
    return (x - mean) * (p["gamma"] * lax.rsqrt(variance + 1e-3)) + p["beta"], s


def pool(x, start, combine):
    return lax.reduce_window(x, start, combine, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def loss(params, stats, x, y, key):
    logits, stats = apply(network.layers, params, stats, x, key)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)), stats


def adam(params, slots, grads, step):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, slots["m"], grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, slots["v"], grads)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v)
    return params, {"m": m, "v": v}


def momentum(params, slots, grads, step):
    m = jax.tree.map(lambda m, g: 0.9 * m - 0.1 * g, slots["m"], grads)
    return jax.tree.map(jnp.add, params, m), {"m": m, "v": slots["v"]}


OPTIMIZERS = {"adam": adam, "momentum": momentum}


def train_step(state, x, y):
    params, stats, slots, step = state
    key = jax.random.fold_in(jax.random.key(1), step)
    (_, stats), grads = jax.value_and_grad(loss, has_aux=True)(params, stats, x, y, key)
    step = step + 1
    params, slots = OPTIMIZERS[network.optimizer](params, slots, grads, step)
    return params, stats, slots, step


def main():
    params, stats, _ = initial(network.layers, network.image[-1], network.image)
    check_parameters(sum(leaf.size for leaf in jax.tree.leaves(params)), network)
    slots = {"m": jax.tree.map(jnp.zeros_like, params), "v": jax.tree.map(jnp.zeros_like, params)}
    x, y = data(found, network, found.batch)
    x, y = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32)
    state = params, stats, slots, jnp.zeros((), jnp.int32)
    step = jax.jit(train_step, donate_argnums=0)
    predict = jax.jit(lambda p, s, x: jax.nn.softmax(apply(network.layers, p, s, x, None)[0]))

    def train(steps):
        nonlocal state
        for _ in range(steps):
            state = step(state, x, y)
        jax.block_until_ready(state)

    def predictor(batch):
        images = jnp.asarray(data(found, network, batch)[0], jnp.float32)
        return lambda: predict(state[0], state[1], images).block_until_ready()

    train(1)
    first_step = since_asked(found)
    times = time_steps(train, found)
    peak = peak_mb()
    infer = [{"batch": batch, **time_steps(repeat(predictor(batch)), found)} for batch in found.infer]
    report("jax", found, peak=peak, train=times, first_step=first_step, infer=infer)


main()
