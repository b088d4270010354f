"""Execute the course's notebooks ("make course", "make outputs").

execute.py course            all, quick tier, built-in sample; pages in build/course, a table
execute.py outputs [NN ...]  full tier, real data; writes outputs and a stamp into the notebooks
    --solutions              then runs the exercises' solutions, too, and prints what they give
execute.py text [NN ...]     executes nothing; writes numbers and pictures' texts anew
"""

import argparse
import asyncio
import base64
import functools
import io
import json
import os
import re
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from helpers.internals import files

import gates
import nbformat
import prose
import warm
from jinja2 import DictLoader
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from PIL import Image
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
MATHJAX = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static/mathjax/tex-chtml.js"
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mathjax %}
<script>MathJax = {tex: {inlineMath: [["$", "$"]]}}</script>
<script src="{{ resources.formulas }}" defer></script>
<style>.jp-OutputArea-output pre { font-family: var(--jp-code-font-family) }</style>
{% endblock %}"""
"""nbconvert's page, but formulas are drawn without internet, no claim shows its code, and every
output that is code is monospaced."""

STAMP = """import json, time
import psutil
from helpers.internals import stamp
seconds = time.time() - psutil.Process().create_time()
print(json.dumps(stamp.ran_on() | {"seconds": round(seconds, 1)}))"""
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
TICK = {True: 1, False: 4}  # seconds between lines of progress: on a terminal, elsewhere
AT_ONCE = 2  # notebooks of `make course`: much of one runs on a single core
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}


class Progress:
    """Shows `02_train  cell 3 of 12  41 s` of what runs: on a terminal in one line, else in lines.

    Use as a context manager; `running` holds cell, cells and the time of the beginning of each.
    """

    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.running, self.tty, self.done = {}, self.stream.isatty(), threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._tick, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def begin(self, name, cells):
        """A notebook begins."""
        self.running[name] = [0, cells, time.monotonic()]

    def end(self, name):
        """A notebook ends; returns its seconds."""
        self._write("\r\033[K" if self.tty else "", self._line(name), "\n")
        return time.monotonic() - self.running.pop(name)[2]

    def _tick(self):
        while not self.done.wait(TICK[self.tty]):
            lines = [self._line(name) for name in list(self.running)]
            if self.tty:
                self._write("\r\033[K", " · ".join(lines), "")
            else:
                for line in lines:
                    self._write("", line, "\n")

    def _line(self, name):
        cell, cells, began = self.running[name]
        return f"{name}  cell {cell} of {cells}  {time.monotonic() - began:.0f} s"

    def _write(self, before, line, end):
        print(f"{before}{line}", end=end, file=self.stream, flush=True)


async def execute(
    nb, name, folder, progress, kernel_name="python3", jupyter=Path(sys.prefix, "share", "jupyter")
):
    """Execute a notebook in memory, in `folder`, with this environment's Python.

    The kernel's specification is looked for in `jupyter` only. Returns (seconds, error), where
    error is "" or says which cell failed and how.
    """
    specs = KernelSpecManager(kernel_dirs=[str(Path(jupyter, "kernels"))])
    kernel = AsyncKernelManager(kernel_name=kernel_name, kernel_spec_manager=specs)
    kernel.transport_encryption = "auto"  # else ipykernel warns that others may listen
    os.environ.pop("MPLBACKEND", None)  # a kernel then takes the backend that shows figures
    cell = 0

    def begin(cell_index, **_):
        nonlocal cell
        progress.running[name][0] = cell = cell_index + 1

    client = NotebookClient(nb, km=kernel, timeout=None, coalesce_streams=True)
    client.resources = {"metadata": {"path": str(folder)}}
    client.on_cell_start = begin
    error = ""
    progress.begin(name, len(nb.cells))
    try:
        await client.async_execute(cleanup_kc=True)  # ends the kernel, in every case
    except CellExecutionError as failure:
        error = f"{name}, cell {cell}: {failure.ename}: {failure.evalue}"
    except DeadKernelError:
        error = f"{name}, cell {cell}: the kernel died; often memory ran out"
    except AssertionError:
        if client.km is not None:
            raise
        sys.exit(f"interrupted in {name}")  # Ctrl-C: nbclient ends the kernel, then fails
    finally:
        seconds = progress.end(name)
    return seconds, error


async def together(jobs, at_once):
    """Await all of these jobs, some at once; returns what they return, in order."""
    free = asyncio.Semaphore(at_once)

    async def turn(job):
        async with free:
            return await job()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(turn(job)) for job in jobs]
    return [task.result() for task in tasks]


def write(path, text):
    """Write a file whole or not at all."""
    with files.whole(path) as part:
        part.write_text(text, encoding="utf-8")


def chosen(numbers, folder):
    """The notebooks with these numbers ("05" or "5"), or all, in order."""
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    known = {path.name[:2]: path for path in paths}
    unknown = [number for number in numbers if number.zfill(2) not in known]
    if unknown or not paths:
        found = f"found no notebook {' '.join(unknown)}".rstrip()
        sys.exit(f"{found} in {folder}; expected: {' '.join(known) or 'at least one, NN_*.ipynb'}")
    return [known[number.zfill(2)] for number in numbers] or paths


def table(rows):
    """Lines of text, columns aligned, the first row as a head."""
    rows = [[str(entry) for entry in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def run_course(root=ROOT):
    """Execute all notebooks in copies, quickly, on the sample; returns the number of problems."""
    os.environ.update(COURSE_TIER="quick", COURSE_DATA="sample")
    paths = chosen([], root / "notebooks")
    with warm.kernels() as jupyter, Progress() as progress:
        jobs = [functools.partial(try_quickly, path, root, progress, jupyter) for path in paths]
        tried = asyncio.run(together(jobs, AT_ONCE))
    rows, problems = zip(*tried, strict=True)
    print(f"\n{table([('notebook', 'seconds', 'claims met/judged', 'page'), *rows])}")
    return report([problem for found in problems for problem in found])


async def try_quickly(path, root, progress, jupyter):
    """Execute a notebook in a copy and write its page; returns its row of the table, problems."""
    nb = nbformat.read(path, as_version=4)
    seconds, error = await execute(nb, path.stem, path.parent, progress, warm.NAME, jupyter)
    page = root / "build" / "course" / f"{path.stem}.html"
    await asyncio.to_thread(write_page, nb, path, page)
    claims = gates.claims(nb)
    unmet = [claim for claim in claims if claim["ok"] is False]
    judged = [claim for claim in claims if claim["ok"] is not None]
    problems = [error] if error else []
    problems += [f"{path.stem}: claim not met: {claim['name']}" for claim in unmet]
    met = f"{len(judged) - len(unmet)}/{len(judged)}" + (" (stopped)" if error else "")
    return (path.stem, f"{seconds:.0f}", met, page.relative_to(root)), problems


def write_page(nb, path, page):
    """Write a notebook as a page that needs nothing from the internet."""
    resources = {"metadata": {"path": str(path.parent), "name": path.stem}}
    resources["formulas"] = Path(os.path.relpath(MATHJAX, page.parent)).as_posix()
    tidy(nb)
    html = page_exporter().from_notebook_node(nb, resources=resources)[0]
    write(page, re.sub(r'(href="\d\d_\w+)\.ipynb', r"\1.html", html))


@functools.cache
def page_exporter():
    """What makes a page of a notebook; its template is read once."""
    return HTMLExporter(
        extra_loaders=[DictLoader({"page.html.j2": PAGE})],
        template_file="page.html.j2",
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_input_tags": {"claim"}}),
    )


def run_outputs(numbers, root=ROOT, solutions=False):
    """Execute notebooks in full and write them in place; returns the number of problems.

    With their solutions, what these print is printed, and kept nowhere.
    """
    data = os.environ.get("COURSE_DATA")
    if data == "sample":
        sys.exit(
            "COURSE_DATA is 'sample'; expected real data, since these outputs are committed. "
            "Mend it: unset COURSE_DATA (downloads), or let it name a folder with the data"
        )
    if data:
        os.environ["COURSE_DATA"] = os.path.abspath(data)
    os.environ["COURSE_TIER"] = "full"
    os.environ["TQDM_DISABLE"] = "1"  # a study's progress bar is no output to keep
    problems = []
    for path in chosen(numbers, root / "notebooks"):
        nb = nbformat.read(path, as_version=4)
        found = fill(nb, path, root, solutions)
        if found:
            kept = root / "build" / "outputs" / path.name
            write(kept, nbformat.writes(nb) + "\n")
            found.append(f"{path.name} stays as it was; what came out is in {kept}")
        else:
            write(path, nbformat.writes(nb) + "\n")
        problems += found
    return report(problems)


def fill(nb, path, root, solutions=False):
    """Execute a notebook, tidy it and stamp it, in memory; returns problems."""
    modules = gates.modules(nb, root)  # as they are before the minutes that the notebook takes
    lesson = len(nb.cells)
    after = [STAMP, *(prose.solutions(nb) if solutions else [])]
    nb.cells += map(nbformat.v4.new_code_cell, after)
    with Progress() as progress:
        _, error = asyncio.run(execute(nb, path.stem, path.parent, progress))
    stamp, *solved = nb.cells[lesson:]
    del nb.cells[lesson:]
    tidy(nb)
    compact(nb)
    for number, cell in enumerate(solved, 1):
        print(f"--- {path.stem}, solution {number}\n{printed(cell)}")
    if error:
        return [error]
    nb.metadata["course"] = {
        **json.loads(stamp.outputs[-1].text.splitlines()[-1]),
        "code_hash": gates.code_hash(nb),
        "modules": modules,
    }
    homes = [] if Path.home() == Path("/") else [Path.home()]
    found = prose.refresh(nb)
    found += gates.failed_claims(nb) + gates.missing_pictures(nb)
    found += gates.machine_paths(nb, *homes, root)
    return [f"{path.stem}: {problem}" for problem in found]


def printed(cell):
    """What a cell that was executed says, as text."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain") for out in cell.outputs]
    return "\n".join(filter(None, texts))


def run_text(numbers, root=ROOT):
    """Write what the text takes from claims and captions, in place; returns the problems' number.

    A notebook whose text names a claim that it does not hold stays as it is.
    """
    problems = []
    for path in chosen(numbers, root / "notebooks"):
        nb = nbformat.read(path, as_version=4)
        found = prose.refresh(nb)
        if not found:
            write(path, nbformat.writes(nb) + "\n")
        problems += [f"{path.stem}: {problem}" for problem in found]
    return report(problems)


def tidy(nb):
    """Remove what differs from run to run or machine to machine."""
    nb.metadata["kernelspec"], nb.metadata["language_info"] = KERNEL, LANGUAGE
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if not blank(out)]
            for output in cell.outputs:
                data = output.get("data", {})
                if "Styler at 0x" in data.get("text/plain", ""):  # the table is there as HTML
                    data["text/plain"] = "<a table>"


def compact(nb):
    """Give each picture at most 256 colours, in place, where it then takes less room."""
    for output in (output for cell in nb.cells for output in cell.get("outputs", [])):
        if (png := output.get("data", {}).get("image/png")) is None:
            continue
        part = io.BytesIO()
        picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(part, "PNG", optimize=True)
        smaller = base64.b64encode(part.getvalue()).decode()
        if len(smaller) < len(png):
            output.data["image/png"] = smaller


def blank(output):
    """Whether an output is what a finished progress bar leaves behind: nothing to see."""
    return output.output_type == "stream" and not output.text.strip()


def report(problems):
    """Print the problems, if any; returns how many."""
    for problem in problems:
        print(f"PROBLEM  {problem}", file=sys.stderr)
    return len(problems)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["course", "outputs", "text"])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="e.g. 05; none means all")
    parser.add_argument("--solutions", action="store_true", help="with outputs: run these, too")
    arguments = parser.parse_intermixed_args()
    if arguments.command == "course":
        if arguments.numbers:
            parser.error("course executes all notebooks; expected no number")
        sys.exit(run_course() > 0)
    if arguments.command == "outputs":
        sys.exit(run_outputs(arguments.numbers, solutions=arguments.solutions) > 0)
    sys.exit(run_text(arguments.numbers) > 0)
