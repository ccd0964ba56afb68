"""Runs the peers of the benchmark and writes `results.json` and `results.md`.

    python bench/peers/run.py [--threads 2] [--peers keras_tf jax_step …] [--networks article …] [--out runs/peers]

Each program gets a virtual environment of its own below `bench/peers/.venv`, made once, with the pinned packages,
and each measurement a process of its own. `--repeats 3` goes through the whole list three times and keeps the best of
each number, which spreads disturbances of the machine over all. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import venv
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from networks import NETWORKS

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / ".venv"
NUMBERS = ("trainMs", "epochS", "inferMs", "peakMb")


@dataclass(frozen=True)
class Peer:
    """A program, what it needs, and the extra arguments it is run with in turn."""

    packages: tuple
    variants: tuple = ((),)


PEERS = {
    "keras_tf": Peer(("keras==3.15.1", "tensorflow-cpu==2.21.0", "numpy==2.4.6")),
    "torch_eager": Peer(
        ("torch==2.15.0", "numpy==2.4.6"),
        ((), ("--channels-last",), ("--compile",), ("--compile", "--channels-last")),
    ),
    "jax_step": Peer(("jax==0.10.2", "jaxlib==0.10.2", "numpy==2.4.6")),
    "onnxruntime_infer": Peer(("onnxruntime==1.32.0", "onnx==1.23.2", "numpy==2.4.6")),
}


def python_of(name):
    """The interpreter of a peer's environment, made if it is not there or was made for other packages."""
    folder, packages = ENVIRONMENTS / name, "\n".join(PEERS[name].packages)
    python, stamp = folder / "bin/python", folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != packages:
        print(f"making the environment of {name}: {packages.replace(chr(10), ', ')}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[name].packages], check=True)
        stamp.write_text(packages)
    return python


def measurements(options):
    """The commands to run, as (label, command)."""
    for network in options.networks:
        for batch in NETWORKS[network].batches:
            for name in options.peers:
                for variant in PEERS[name].variants:
                    command = [python_of(name), HERE / f"{name}.py", *variant, "--network", network]
                    command += ["--batch", str(batch), "--threads", str(options.threads)]
                    command += ["--smoke"] if options.smoke else []
                    yield " ".join((name, *variant, network, str(batch))), command


def measure(label, command):
    """The line of JSON a program printed, or None where it failed; what went wrong is shown."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        line = json.loads(done.stdout.splitlines()[-1])
        print(f"{label:40} {describe(line)}", file=sys.stderr, flush=True)
        return line
    print(f"{label:40} failed with {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr, flush=True)
    return None


def describe(line):
    return "  ".join(f"{key} {line[key]:.2f}" for key in NUMBERS if line[key] is not None)


def best(lines):
    """One line for each peer, network and batch, with the least of each number."""
    kept = {}
    for line in lines:
        key = line["peer"], line["network"], line["batch"]
        old = kept.setdefault(key, line)
        least = {n: min((x[n] for x in (old, line) if x[n] is not None), default=None) for n in NUMBERS}
        kept[key] = {**old, **least}
    return list(kept.values())


def machine():
    cpu = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [x.split(":", 1)[1].strip() for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        cpu = models[0] if models else cpu
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "system": platform.platform(terse=True)}


def markdown(results):
    lines = results["results"]
    peers = list(dict.fromkeys(line["peer"] for line in lines))
    rows = list(dict.fromkeys((line["network"], line["batch"]) for line in lines))
    found = {(line["peer"], line["network"], line["batch"]): line for line in lines}
    text = [
        "# The peers",
        "",
        f"{results['date']}, {results['machine']['cpu']}, {results['threads']} of {results['machine']['cores']} cores, "
        f"Python {results['python']}. {'A smoke run: the numbers mean nothing.' if results['smoke'] else ''}".strip(),
        "",
        "Versions: " + ", ".join(results["packages"]) + ".",
    ]
    titles = {
        "trainMs": "Training step, ms",
        "inferMs": "Inference of a batch, ms",
        "epochS": "An epoch of MNIST with validation, s",
        "peakMb": "Largest resident memory, MiB",
    }
    for number, title in titles.items():
        with_number = [p for p in peers if any(found.get((p, *row), {}).get(number) is not None for row in rows)]
        if not with_number:
            continue
        text += ["", f"## {title}", "", f"| network, batch | {' | '.join(with_number)} |"]
        text += ["| --- |" + " ---: |" * len(with_number)]
        for network, batch in rows:
            cells = [found.get((peer, network, batch), {}).get(number) for peer in with_number]
            if any(cell is not None for cell in cells):
                digits = 0 if number == "peakMb" else 2
                shown = ("" if cell is None else f"{cell:.{digits}f}" for cell in cells)
                text.append(f"| {network}, {batch} | {' | '.join(shown)} |")
    return "\n".join(text) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=" ".join(PEERS))
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NETWORK", help=" ".join(NETWORKS)
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "runs/peers")
    parser.add_argument("--smoke", action="store_true", help="two steps each: shows that everything works")
    options = parser.parse_args()

    planned = list(measurements(options))
    tried = [measure(label, command) for _ in range(options.repeats) for label, command in planned]
    results = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "python": platform.python_version(),
        "packages": sorted({package for name in options.peers for package in PEERS[name].packages}),
        "threads": options.threads,
        "smoke": options.smoke,
        "results": best(line for line in tried if line),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.out / "results.md").write_text(markdown(results))
    print((options.out / "results.md").read_text())
    failed = sum(line is None for line in tried)
    if failed:
        sys.exit(f"{failed} of {len(tried)} measurements failed")


if __name__ == "__main__":
    main()
