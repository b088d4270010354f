"""Runs a student's cells and answers what the grader asks. It is the only program in the sandbox.

student.py FD LIMITS: speaks over the open socket FD; LIMITS are "memory,disk" in bytes.

Nothing here decides about marks, and nothing here knows what is right: whoever takes this program
over from inside gains only what every answer may do anyway, to answer.
"""

import os
import resource
import shutil
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import network
from wire import LARGEST, Unsendable, pack, unpack

LONGEST = 10_000  # characters of printed text that are kept of a cell


def limit(memory, disk):
    """Let the kernel refuse what is too much for one process; the grader counts the rest."""
    limits = {"RLIMIT_DATA": memory, "RLIMIT_FSIZE": disk, "RLIMIT_CORE": 0, "RLIMIT_NPROC": 2000}
    for name, most in limits.items():
        _, hard = resource.getrlimit(getattr(resource, name))
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, name), (allowed, allowed))


def borrow_font_list():
    """Copy matplotlib's list of fonts to where matplotlib may write: making it takes seconds."""
    made, own = Path(os.environ["XDG_CACHE_HOME"], "matplotlib"), Path(os.environ["MPLCONFIGDIR"])
    if made.is_dir() and not own.exists():
        shutil.copytree(made, own)


def new_shell():
    """An IPython shell, as a notebook has it: magics, display, figures as pictures."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type

    class Hook(DisplayHook):
        def write_output_prompt(self):
            """The page needs none."""

        def write_format_data(self, format_dict, md_dict=None):
            """Display what a cell ends in, as a picture where it is one."""
            self.shell.display_pub.publish(data=format_dict, metadata=md_dict or {})

        def finish_displayhook(self):
            """Nothing was printed, so no line is to be ended."""

    class Shell(InteractiveShell):
        displayhook_class = Type(Hook)

        def enable_gui(self, gui=None):
            """There is no window to draw in."""

    shell = Shell.instance()
    shell.colors = "nocolor"
    show_figures(shell)
    return shell


def show_figures(shell):
    """Let figures become pictures once a cell draws one: to import matplotlib takes twice as long
    as all else that a shell needs."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as in every kernel
    pictures = shell.display_formatter.formatters["image/png"]

    def first(figure):
        """The picture of a figure that was made without pyplot, which sees to its own."""
        shell.enable_matplotlib("inline")
        return pictures(figure)

    pictures.for_type_by_name("matplotlib.figure", "Figure", first)


class Answers:
    """The student's cells, run, and the names that they left."""

    def __init__(self):
        self.shell = new_shell()
        self.models = []

    def run(self, source):
        """Run a cell. Returns what it printed and displayed, and its error."""
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            result = self.shell.run_cell(source, store_history=True)  # else ; silences nothing
        error = result.error_before_exec or result.error_in_exec
        shown = [_kept(out.data) for out in captured.outputs]
        texts = {"stdout": captured.stdout, "stderr": captured.stderr}
        return {
            "texts": {name: text[:LONGEST] for name, text in texts.items()},
            "shown": [data for data in shown if data][:20],
            "error": None if error is None else _named(error),
        }

    def look(self, name):
        """What kind of thing a name stands for: ("missing",), ("function",) or ("value", it)."""
        if name not in self.shell.user_ns:
            return ("missing",)
        value = self.shell.user_ns[name]
        return ("function",) if callable(value) and not _is_model(value) else ("value", value)

    def call(self, name, arguments, options):
        """Call a function by name."""
        return self.shell.user_ns[name](*arguments, **options)

    def outputs(self, model, seed, images):
        """What a model that an answer gave says to images."""
        return network.outputs(self.models[model], seed, images)

    def lesson(self, model, seed, images, labels):
        """How it learns."""
        return network.lesson(self.models[model], seed, images, labels)

    def describe(self, value):
        """A model as data: what can be said of it, and a number to ask it by."""
        if not _is_model(value):
            return None
        self.models.append(value)
        return {"number": len(self.models) - 1, "facts": network.facts(value)}


KEPT = ("text/plain", "image/png")


def _kept(data):
    """Of what was displayed: texts and pictures."""
    return {kind: text for kind, text in data.items() if kind in KEPT and isinstance(text, str)}


def _is_model(value):
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.Model)


def _named(error):
    """An error in two texts."""
    return [type(error).__name__, str(error)[:500]]


def answer(answers, request):
    """The reply to a request, packed: its number, then "done", value or "failed", name, text."""
    from IPython.utils.capture import capture_output

    asked = {"run": answers.run, "look": answers.look, "call": answers.call}
    asked |= {"outputs": answers.outputs, "lesson": answers.lesson}
    number, kind, *arguments = request
    try:
        with capture_output():
            value = asked[kind](*arguments)
        return pack((number, "done", value), answers.describe)
    except Unsendable as error:
        return pack((number, "failed", "Unsendable", str(error)))
    except BaseException as error:  # whatever a student's code raises is an answer, too
        return pack((number, "failed", *_named(error)))


def main(descriptor, limits):
    """Answer requests until the grader hangs up."""
    limit(*map(int, limits.split(",")))
    borrow_font_list()
    connection = Connection(int(descriptor))
    answers = Answers()
    connection.send_bytes(pack((0, "done", None)))
    while True:
        try:
            request = unpack(connection.recv_bytes(LARGEST))
        except EOFError:
            return
        connection.send_bytes(answer(answers, request))


if __name__ == "__main__":
    main(*sys.argv[1:])
