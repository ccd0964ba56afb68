"""Small image files, and what Keras reads from them: writes `test/fixtures/keras/images`.

`folder/` is a data set of two classes, `single/` has files of all kinds. `expected.safetensors` has pixels, `expected.json`
says of which call. Pillow writes the files and is what `load_img` uses.
"""

import io
import json
import os
import pathlib
import struct
import zlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "keras" / "images"
random = np.random.default_rng(7)
# TensorFlow gives these the alpha 1, 3 or 15 of their bits
FEW_BITS = ("grey_1.png", "interlaced_2.png", "interlaced_palette.png", "palette_4.png")
arrays, cases = {}, {"decoded": [], "datasets": [], "loaded": [], "splits": [], "arrays": []}


def noise(height, width, channels):
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


def scene(height, width):
    """Slopes, an edge and a disc."""
    y, x = np.mgrid[0:height, 0:width].astype("float32")
    disc = (x - 0.6 * width) ** 2 + (y - 0.4 * height) ** 2 < (0.25 * height) ** 2
    planes = [255 * x / width, 255 * y / height, np.where(x > 0.3 * width, 200, 40)]
    return np.stack([np.where(disc, 255 - p, p) for p in planes], -1).astype("uint8")


def image(array):
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def save(name, picture, **options):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced(values, depth, colour, extra=b""):
    """A PNG by Adam7, whose passes Pillow does not write. values: [height, width, samples], whole numbers."""
    height, width, _ = values.shape
    rows = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in values[y::dy, x::dx]:
            if row.size:
                bits = "".join(format(int(v), f"0{depth}b") for v in row.ravel())
                bits += "0" * (-len(bits) % 8)
                rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_files():
    save("folder/cats/a.png", image(noise(13, 9, 3)))
    save("folder/cats/b.jpg", image(scene(48, 64)), quality=90)
    save("folder/cats/sub/c.PNG", image(noise(20, 31, 1)))
    save("folder/dogs/d.jpeg", image(scene(30, 22)), quality=80, progressive=True)
    save("folder/dogs/e.png", image(noise(7, 12, 4)))

    one = "single/"
    save(one + "rgb.png", image(noise(9, 11, 3)))
    save(one + "rgba.png", image(noise(9, 11, 4)))
    save(one + "grey.png", image(noise(9, 11, 1)))
    save(one + "grey_alpha.png", Image.fromarray(noise(9, 11, 2), "LA"))
    save(one + "smooth.png", image(scene(24, 20)))
    save(one + "grey_1.png", Image.fromarray(noise(9, 11, 1)[..., 0] > 127))
    palette = image(scene(24, 20)).quantize(13)
    save(one + "palette_4.png", palette, bits=4)
    save(one + "palette_8_transparent.png", image(scene(24, 20)).quantize(40), transparency=bytes(range(40)))
    save(one + "grey_key.png", image(noise(9, 11, 1) // 64 * 64), transparency=64)
    (OUT / one / "rgb_16.png").write_bytes(tf.io.encode_png(random.integers(0, 65536, (6, 5, 3), dtype=np.uint16)).numpy())
    (OUT / one / "grey_16.png").write_bytes(tf.io.encode_png(random.integers(0, 65536, (6, 5, 1), dtype=np.uint16)).numpy())
    (OUT / one / "interlaced.png").write_bytes(interlaced(noise(13, 10, 3), 8, 2))
    (OUT / one / "interlaced_2.png").write_bytes(interlaced(noise(13, 11, 1) // 64, 2, 0))
    colours = chunk(b"PLTE", noise(1, 16, 3).tobytes())
    (OUT / one / "interlaced_palette.png").write_bytes(interlaced(noise(3, 3, 1) // 16, 4, 3, colours))

    save(one + "half.jpg", image(scene(29, 37)), quality=90, subsampling=2)
    save(one + "full.jpg", image(scene(29, 37)), quality=95, subsampling=0)
    save(one + "progressive.jpg", image(scene(29, 37)), quality=75, progressive=True)
    save(one + "grey.jpg", image(scene(29, 37)).convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(one + "turned.jpg", image(scene(30, 40)), exif=exif)
    save(one + "png_inside.jpg", image(noise(5, 6, 3)), format="PNG")

    save(one + "lossy.webp", image(scene(29, 37)), quality=80)
    save(one + "lossless.webp", image(noise(8, 9, 3)), lossless=True)
    save(one + "alpha.webp", image(noise(8, 9, 4)), lossless=True, exact=True)

    bad = "refused/"
    save(bad + "cmyk.jpg", image(scene(30, 40)).convert("CMYK"))
    save(bad + "animated.webp", image(noise(8, 9, 3)), save_all=True, append_images=[image(noise(8, 9, 3))])
    save(bad + "animated.gif", image(noise(8, 9, 3)), save_all=True, append_images=[image(noise(8, 9, 3))])
    save(bad + "bmp_inside.jpg", image(noise(5, 6, 3)), format="BMP")


def decode():
    for path in sorted((OUT / "single").iterdir()):
        data = path.read_bytes()
        kinds = {"grayscale": 1, "rgb": 3, "rgba": 4}
        for mode, channels in kinds.items():
            name = f"decoded.{mode}.{path.name}"
            by = "pillow"
            if path.suffix == ".webp" or channels == 4 and (data[:2] == b"\xff\xd8" or path.name in FEW_BITS):
                if channels == 1:
                    continue
                arrays[name] = np.asarray(Image.open(io.BytesIO(data)).convert(mode.upper()))
            else:
                by = "tensorflow"
                # data sets are decoded with the fast transform, which is less exact; see datasets()
                exact = {"dct_method": "INTEGER_ACCURATE"} if data[:2] == b"\xff\xd8" else {}
                read = tf.io.decode_jpeg if exact else tf.io.decode_png
                arrays[name] = read(data, channels=channels, **exact).numpy()
            cases["decoded"].append({"file": path.name, "mode": mode, "by": by, "array": name})


def datasets():
    shared = {"image_size": (10, 8), "shuffle": False, "batch_size": None, "verbose": False}
    interpolations = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
    options = [{"interpolation": i} for i in interpolations]
    options += [{"image_size": (9, 11), "interpolation": i} for i in interpolations]
    options += [
        {"color_mode": "grayscale"},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True},
        {"crop_to_aspect_ratio": True, "image_size": (15, 7), "interpolation": "nearest"},
        {"pad_to_aspect_ratio": True, "image_size": (15, 7)},
        {"label_mode": "categorical"},
        {"label_mode": "binary"},
        {"label_mode": None},
        {"class_names": ["dogs", "cats"]},
        {"labels": [4, 0, 4, 1, 2]},
    ]
    for number, given in enumerate(options):
        data = keras.utils.image_dataset_from_directory(OUT / "folder", **{**shared, **given})
        rows = list(data)
        labelled = isinstance(rows[0], tuple)
        name = f"dataset.{number}"
        pixels = np.stack([(row[0] if labelled else row).numpy() for row in rows]).astype("float32")
        labels = np.stack([row[1].numpy() for row in rows]).astype("float32") if labelled else None
        plain = given.keys() <= {"labels", "label_mode", "class_names"}
        if not plain:
            arrays[name] = pixels
        cases["datasets"].append({
            "options": {**{"image_size": (10, 8)}, **given},
            "array": None if plain else name,
            "labels": None if labels is None else labels.tolist(),
            "class_names": data.class_names,
            "files": [str(pathlib.Path(path).relative_to(OUT / "folder")) for path in data.file_paths],
        })


def splits(folder):
    for number in range(23):
        save(f"{folder}/{'ab'[number % 2]}/{number}.png", image(noise(1, 1, 1)))
    for seed, fraction in ((7, 0.3), (0, 0.5), (123456, 0.05), (2**32 - 1, 0.9)):
        both = keras.utils.image_dataset_from_directory(
            OUT / folder, seed=seed, validation_split=fraction, subset="both", image_size=(1, 1), verbose=False)
        names = [[str(pathlib.Path(path).relative_to(OUT / folder)) for path in part.file_paths] for part in both]
        cases["splits"].append({"seed": seed, "fraction": fraction, "training": names[0], "validation": names[1]})


def load():
    calls = [("smooth.png", {})]
    for interpolation in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"):
        for size in ((7, 9), (27, 30)):
            calls.append(("smooth.png", {"target_size": size, "interpolation": interpolation}))
        calls.append(("rgba.png", {"color_mode": "rgba", "target_size": (5, 17), "interpolation": interpolation}))
        calls.append(("smooth.png", {"color_mode": "grayscale", "target_size": (6, 13), "interpolation": interpolation, "keep_aspect_ratio": True}))
    calls += [("rgb.png", {"color_mode": "grayscale"}), ("rgba.png", {}), ("grey.png", {}), ("grey.png", {"color_mode": "rgba"})]
    for number, (file, options) in enumerate(calls):
        name = f"loaded.{number}"
        picture = keras.utils.load_img(OUT / "single" / file, **options)
        arrays[name] = keras.utils.img_to_array(picture).astype("uint8")
        cases["loaded"].append({"file": file, "options": options, "array": name})


def to_images():
    for number, (low, high, scale) in enumerate(((-3, 5, True), (0, 255, False), (7, 7, True), (0, 0.5, True))):
        x = random.uniform(low, high, (4, 5, 3)).astype("float32")
        arrays[f"array.{number}.x"] = x
        arrays[f"array.{number}.image"] = np.asarray(keras.utils.array_to_img(x, scale=scale))
        cases["arrays"].append({"scale": scale, "x": f"array.{number}.x", "image": f"array.{number}.image"})


write_files()
decode()
datasets()
load()
to_images()
splits("split")
for path in sorted((OUT / "split").rglob("*.png")):
    path.unlink()
for path in ("split/a", "split/b", "split"):
    (OUT / path).rmdir()
save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, OUT / "expected.safetensors")
(OUT / "expected.safetensors").chmod(0o644)
(OUT / "expected.json").write_text(json.dumps(cases, indent=1) + "\n")
