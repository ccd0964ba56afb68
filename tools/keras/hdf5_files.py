"""Writes the HDF5 files of `test/attacks/seeds` that h5py alone can make: data in other files, packed data, other types.

    python tools/keras/hdf5_files.py [FOLDER]

Default folder: `test/attacks/seeds`. The files they name are not there, or are not theirs to read.
"""

import argparse
from pathlib import Path

import h5py
import numpy as np


def external_storage(file):
    file.create_dataset("x", (2,), "<f4", external=[("/etc/passwd", 0, 8)])


def virtual_array(file):
    layout = h5py.VirtualLayout(shape=(2,), dtype="<f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(2,))
    file.create_virtual_dataset("x", layout)


def texts_of_any_length(file):
    file.create_dataset("x", data=["a", "bc"], dtype=h5py.string_dtype())


def compound(file):
    file.create_dataset("x", data=np.zeros(2, [("a", "<f4"), ("b", "<i4")]))


def lzf(file):
    file.create_dataset("x", data=np.zeros(100, "<f4"), compression="lzf")


def unknown_filter(file):
    """That of lzf under a number nobody has."""
    lzf(file)


def big_endian(file):
    file.create_dataset("x", data=np.array([1.5, -0.25], ">f4"))


def write(folder, make):
    path = folder / f"hdf5__{make.__name__}"
    with h5py.File(path, "w") as file:
        make(file)
    if make is unknown_filter:
        data = path.read_bytes()
        number = (32000).to_bytes(2, "little")
        assert data.count(number) == 1
        path.write_bytes(data.replace(number, (31999).to_bytes(2, "little")))


parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", type=Path, default=Path("test/attacks/seeds"))
folder = parser.parse_args().folder
for make in [external_storage, virtual_array, texts_of_any_length, compound, lzf, unknown_filter, big_endian]:
    write(folder, make)
