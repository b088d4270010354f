"""Coursework: hand it out, grade what came back.

grade.py release [NAME ...]    student versions, in release/
grade.py grade [NAME ...]      grade submitted/<student>/<name>/ where that is not done yet;
                               pages in feedback/, marks in gradebook.db and <name>.csv
grade.py feedback [NAME ...]   write the pages again, after marking by hand

SANDBOX=none in the environment runs students' code unprotected. Kill it and start it again at will.
"""

import contextlib
import multiprocessing
import os
import resource
import shutil
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path

import psutil
import sandbox
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError
from submissions import Course, printable

ROOT = Path(__file__).resolve().parents[1]
TASKS_PER_PROCESS = 25  # then fresh ones, so that memory stays flat
MOST_MEMORY = 6 * 2**30  # bytes that a worker may take; what needs more is refused
MEMORY_EACH = 2 * 2**30  # bytes that a worker and its student's process take


def _begin(environment):
    """In a worker: take this environment and no more memory than is due, end where the process
    that started it did."""
    os.environ.update(environment)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(
        resource.RLIMIT_DATA, (MOST_MEMORY, hard)
    )  # its student's process has others
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=lambda: (wait([parent]), os._exit(1)), daemon=True).start()


def _grade(root, name, student):
    """Grade one submission and write its page, in a worker. Returns the record."""
    course = Course(root)
    record = course.grade(name, student)
    course.feedback(name, student)
    return record


def _feedback(root, name, student):
    """Write one page, in a worker."""
    Course(root).feedback(name, student)


def in_parallel(task, root, name, students):
    """Do something for each student, with all cores or as many as memory is enough for.

    Yields (student, result or exception).
    """
    warm = multiprocessing.get_context("forkserver")
    warm.set_forkserver_preload(["nbgrader.apps.api"])  # loaded once, not by every worker
    fitting = psutil.virtual_memory().total // MEMORY_EACH
    workers = max(1, min(len(students), os.cpu_count() or 1, fitting))
    part = workers * TASKS_PER_PROCESS  # a pool each: max_tasks_per_child hangs, CPython 115634
    for first in range(0, len(students), part):
        with ProcessPoolExecutor(workers, warm, _begin, [dict(os.environ)]) as pool:
            tasks = {
                pool.submit(task, root, name, student): student
                for student in students[first : first + part]
            }
            for done in as_completed(tasks):
                error = done.exception()
                yield tasks[done], error if error is not None else done.result()


def grade(course, names):
    """Grade what is waiting. Returns the number of submissions that could not be."""
    if os.environ.get("SANDBOX") != "none":
        sandbox.check()
    else:
        print("SANDBOX=none: students' code runs as you, with all that you may read and delete.")
    sandbox.prepare(course.root / ".grading" / "cache")
    failed = 0
    for misplaced in course.misplaced():
        print(printable(misplaced))
    for name in names:
        course.release(name)
        if lost := course.lost(name):
            print(
                f"gradebook.db holds no marks of {len(lost)} that were graded: this is done again."
            )
            print("Marks given by hand were in it alone. If you have a copy, stop, put it back.")
        for student in sorted(set(lost) - set(course.students(name))):
            print(printable(f"{student} cannot be graded again: the hand-in is gone. Put it back."))
        waiting = course.waiting(name)
        print(f"{name}: {len(waiting)} of {len(course.students(name))} to grade", flush=True)
        for number, (student, done) in enumerate(
            in_parallel(_grade, course.root, name, waiting), start=1
        ):
            failed += isinstance(done, Exception)
            said = done if isinstance(done, Exception) else " ".join(done["notes"])
            print(printable(f"{number}/{len(waiting)} {student}: {said or 'graded'}"), flush=True)
        failed += pages(course, name, course.without_page(name))
    return failed


def feedback(course, names):
    """Write all pages and tables again. Returns the number of pages that could not be."""
    return sum(pages(course, name, course.graded(name)) for name in names)


def pages(course, name, students):
    """Write these pages, and the table. Returns the number of pages that could not be."""
    failed = 0
    for _, done in in_parallel(_feedback, course.root, name, students):
        if isinstance(done, Exception):
            failed += 1
            print(printable(str(done)), file=sys.stderr)
    print(f"{name}: pages in feedback/, marks in {course.table(name).name}")
    return failed


def main(command, *names):
    """Run one command. Returns the exit status."""
    course = Course(ROOT)
    known = course.assignments()
    if unknown := set(names) - set(known):
        sys.exit(f"no assignment {', '.join(sorted(unknown))}; expected: {', '.join(known)}")
    try:
        with FileLock(course.root / ".grading" / "lock", timeout=0):
            for left in course.root.glob(".grading/tmp*"):  # by a run that was killed
                shutil.rmtree(left)
            if command == "release":
                for name in names or known:
                    course.release(name)
                    print(f"release/{name}/{name}.ipynb")
                return 0
            begun = names or [
                name for name in known if course.students(name) or course.graded(name)
            ]
            failed = {"grade": grade, "feedback": feedback}[command](course, begun)
            if not begun:
                print("Nothing was handed in. Expected: submitted/<student>/<assignment>/")
            return int(failed > 0)
    except Timeout:
        sys.exit("expected to be the only run, found another one at work. Wait for it, or end it.")
    except (sandbox.NoSandbox, RuntimeError) as problem:
        sys.exit(str(problem))
    except SQLAlchemyError as problem:
        found = str(problem).splitlines()[0]
        sys.exit(
            f"gradebook.db cannot be used ({found}). Put a copy of it back; without one, move it "
            "away and run make grade: all are graded again, marks given by hand are lost."
        )


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(*sys.argv[1:]))
