"""The page to draw on, as a folder that a server can serve: scripts, network, what runs it.

drawing.py FOLDER  builds it there
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from helpers import data
from helpers.internals.backend import errors_only, keras

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "build" / "npm"
LITERT = {  # what the page needs of the packages: LiteRT for every browser, on one thread
    "core.js": "core/dist/index.js",
    "wasm-utils.js": "wasm-utils/dist/index.js",
    "litert_wasm_compat_internal.js": "core/wasm/litert_wasm_compat_internal.js",
    "litert_wasm_compat_internal.wasm": "core/wasm/litert_wasm_compat_internal.wasm",
}


def packages(folder=PACKAGES, tests=False, root=ROOT):
    """Install the pinned npm packages in a folder, unless they are there; with what tests need.

    Raises RuntimeError where npm is missing or fails.
    """
    wanted = [(root / "site" / "draw" / name) for name in ("package.json", "package-lock.json")]
    stamp = folder / ("with-tests" if tests else "installed")
    lock = wanted[1].read_text(encoding="utf-8")
    stamps = [folder / "with-tests", stamp]
    if any(one.is_file() and one.read_text(encoding="utf-8") == lock for one in stamps):
        return folder / "node_modules"
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            "expected npm, which fetches what runs the network on the page to draw on; found none. "
            "Install Node.js 20 or newer (Debian, Ubuntu: sudo apt install nodejs npm)."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in wanted:
        shutil.copy(path, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += [] if tests else ["--omit=dev"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise RuntimeError(f"npm could not install the page's packages:\n{done.stderr.strip()}")
    stamp.write_text(lock, encoding="utf-8")
    return folder / "node_modules"


def export(network, path):
    """Write a network as LiteRT reads it: an image in; probabilities and first feature maps out."""
    cnn = network.get_layer("digit_cnn")
    first = keras.Model(cnn.inputs, cnn.get_layer("conv_1_activation").output)
    image = keras.Input((28, 28))
    both = keras.Model(image, [network(image), first(image)])
    one = keras.InputSpec(shape=(1, 28, 28), dtype="float32")
    with errors_only():
        both.export(path, format="litert", input_signature=[one], verbose=False)


def save(folder, root=ROOT):
    """Build the page in a folder, which is made anew."""
    modules = packages(root=root)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "litert").mkdir(parents=True)
    for path in (root / "site" / "draw").iterdir():
        if path.suffix in (".html", ".css", ".js"):
            shutil.copy(path, folder)
    for name in ("pad.js", "pad.css"):  # the pad of JupyterLab
        shutil.copy(root / "helpers" / "handwriting" / name, folder)
    for name, path in LITERT.items():
        text = modules / "@litertjs" / path
        shutil.copyfile(text, folder / "litert" / name)
    network = keras.saving.load_model(root / "notebooks" / "networks" / "byclass.keras")
    export(network, folder / "network.tflite")
    classes = json.dumps(list(data.CLASSES["emnist/byclass"]))
    (folder / "classes.json").write_text(classes, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected the name of a folder: drawing.py FOLDER")
    save(Path(sys.argv[1]))
