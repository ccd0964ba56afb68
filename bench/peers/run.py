"""Runs the peers of the benchmark, one after the other, and prints what they found as lines of JSON.

    python bench/peers/run.py [--threads 2] [--peers keras-tensorflow jax …] [--networks article …]

The first line tells Python's version and the packages; each further line is that of a program (`measure.py`). Each
program gets a virtual environment of its own below `bench/peers/.venv`, made once, with the pinned packages, and each
measurement a process of its own. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from networks import NETWORKS

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / ".venv"


@dataclass(frozen=True)
class Peer:
    """A program and the extra arguments it is run with."""

    program: str
    flags: tuple = ()


PACKAGES = {
    "keras_tf": ("keras==3.15.1", "tensorflow-cpu==2.21.0", "numpy==2.4.6"),
    "torch_eager": ("torch==2.15.0", "numpy==2.4.6"),
    "jax_step": ("jax==0.10.2", "jaxlib==0.10.2", "numpy==2.4.6"),
    "onnxruntime_infer": ("onnxruntime==1.32.0", "onnx==1.23.2", "numpy==2.4.6"),
}

PEERS = {
    "keras-tensorflow": Peer("keras_tf"),
    "torch-eager": Peer("torch_eager"),
    "torch-eager-channels-last": Peer("torch_eager", ("--channels-last",)),
    "torch-compile": Peer("torch_eager", ("--compile",)),
    "torch-compile-channels-last": Peer("torch_eager", ("--compile", "--channels-last")),
    "jax": Peer("jax_step"),
    "onnxruntime": Peer("onnxruntime_infer"),
}


def python_of(program):
    """The interpreter of a program's environment, made if it is not there or was made for other packages."""
    folder, packages = ENVIRONMENTS / program, "\n".join(PACKAGES[program])
    python, stamp = folder / "bin/python", folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != packages:
        print(f"making the environment of {program}: {packages.replace(chr(10), ', ')}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[program]], check=True)
        stamp.write_text(packages)
    return python


def measurements(options):
    """The commands to run. Inference goes with the network's first batch; who only predicts is run for that alone."""
    for network in options.networks:
        first, *others = NETWORKS[network].batches
        for name in options.peers:
            peer = PEERS[name]
            command = [python_of(peer.program), HERE / f"{peer.program}.py", *peer.flags, "--network", network]
            command += ["--threads", str(options.threads), *(["--smoke"] if options.smoke else [])]
            yield [*command, "--batch", str(first)]
            for batch in others if peer.program != "onnxruntime_infer" else ():
                yield [*command, "--batch", str(batch), "--infer"]


def measure(command):
    """Prints the program's line; what went wrong is shown."""
    done = subprocess.run([*command, "--asked", str(time.time())], capture_output=True, text=True)
    if done.returncode == 0:
        print(done.stdout.splitlines()[-1], flush=True)
    else:
        shown = " ".join(str(word) for word in command[1:])
        print(f"{shown} failed with {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr, flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=" ".join(PEERS))
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NETWORK", help=" ".join(NETWORKS)
    )
    parser.add_argument("--smoke", action="store_true", help="two steps each: shows that everything works")
    options = parser.parse_args()

    packages = sorted({package for name in options.peers for package in PACKAGES[PEERS[name].program]})
    print(json.dumps({"python": platform.python_version(), "packages": packages}), flush=True)
    failed = [command for command in measurements(options) if not measure(command)]
    if failed:
        sys.exit(f"{len(failed)} measurements failed")


if __name__ == "__main__":
    main()
