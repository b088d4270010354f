"""Keras, loaded without TensorFlow's chatter and with the settings that the course needs.

A room that needs Keras says `from helpers.internals.backend import keras`; afterwards
`import keras`, as you would say, and `from keras import layers` find it loaded.
"""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

FINE, FAILED = b"\0", b"\1"
WATCHER = f"""
import sys
words = b""
while words[-1:] not in ({FINE}, {FAILED}) and (more := sys.stdin.buffer.read1()):
    words += more
if words[-1:] == {FAILED}:
    sys.stdout.buffer.write(words[:-1])
elif words[-1:] != {FINE}:
    sys.stderr.buffer.write(words)
"""


@contextlib.contextmanager
def errors_only() -> Iterator[None]:
    """Hold back what is written to the process's error stream, and show it if the block fails.

    TensorFlow's libraries write there at import, come what may, and where they fail they may end
    this process at once. So a second small process holds the words: told of a failure it gives
    them back, and where it is told nothing, because this process has ended, it shows them itself.
    Where no second process can be started, nothing is held back.
    """
    try:
        watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WATCHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=_terminal(),
            start_new_session=True,  # Ctrl-C is for this process, not for the watcher
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        yield
        return
    stream, outcome = os.dup(2), FAILED
    os.dup2(watcher.stdin.fileno(), 2)
    try:
        yield
        outcome = FINE
    finally:
        os.dup2(stream, 2)
        os.close(stream)
        words, _ = watcher.communicate(outcome)
        if words:
            print(words.decode(errors="replace"), end="", file=sys.stderr)


def _terminal() -> int | None:
    """The file of the terminal: in a kernel, descriptor 2 may lead into the kernel instead."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError):  # none, or one that is no file
        return None


with errors_only():
    import keras

logging.getLogger("tensorflow").setLevel("ERROR")  # its notes on retracing are no errors

# A keras.json from an older Keras may say otherwise; KERAS_BACKEND is set in helpers/__init__.py.
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
