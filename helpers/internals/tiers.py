"""What the quick tier leaves out, said in one line each time."""

from helpers import course

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

CUT = "application/vnd.course.cut+json"
"""The kind of output that says so: the other tier's outputs lack it, so no check compares it."""


def shortened(asked: int, limit: int, what: str) -> int:
    """How many of what was asked for are done: in the quick tier at most `limit`.

    Args:
        asked: the number that the full tier does.
        limit: the most that the quick tier does.
        what: is counted, such as "epochs".
    """
    if course.tier() == "full" or asked <= limit:
        return asked
    say(f"{limit:,} of {asked:,} {what}")
    return limit


def say(cut: str) -> None:
    """Say what the quick tier does, and of how much.

    Args:
        cut: such as "1 of 6 epochs".
    """
    text = f"quick tier: {cut}"
    if InteractiveShell.initialized():
        display({"text/plain": text, CUT: {}}, raw=True)
    else:
        print(text, flush=True)
