"""Build the site ("make site"): static pages in build/site, from the notebooks as committed.

build.py [FOLDER]  FOLDER instead of build, which gets the folders site and site-source
"""

import shutil
import sys
from pathlib import Path

import drawing
from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).resolve().parents[1]


def gather(source, root=ROOT):
    """Lay pages and notebooks out as Sphinx wants them: in one folder, as in the repository."""
    shutil.rmtree(source, ignore_errors=True)
    pages = [*(root / "site").glob("*.md"), *(root / "site" / "api").glob("*.md")]
    copies = {path: path.relative_to(root / "site") for path in pages}
    for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        copies[path] = path.relative_to(root)
    copies[root / "site" / "reading.png"] = Path("reading.png")
    teachers = root / "notebooks" / "coursework" / "README.md"
    copies[teachers] = teachers.relative_to(root)
    for path, name in copies.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, source / name)


def build(folder, root=ROOT):
    """Build the site; returns Sphinx's exit status, which warnings raise too."""
    sys.path.insert(0, str(root / "notebooks" / "commands"))  # conf.py imports the gates
    source, site = folder / "site-source", folder / "site"
    drawing.packages(root=root)  # first, for only this can lack what it needs
    gather(source, root)
    shutil.rmtree(site, ignore_errors=True)
    arguments = ["-c", str(root / "site"), "-d", str(folder / "site-doctrees")]
    arguments += ["--fresh-env", "--fail-on-warning", "--quiet", str(source), str(site)]
    status = sphinx(arguments)
    if status == 0:
        drawing.save(site / "draw", root)
    return status


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build"
    try:
        status = build(folder)
    except RuntimeError as error:
        sys.exit(f"make site: {error}")
    if status == 0:
        print(f"The site is built; open {folder / 'site' / 'index.html'}")
        print(f"or, to draw on it too: python -m http.server --directory {folder / 'site'}")
    sys.exit(status)
