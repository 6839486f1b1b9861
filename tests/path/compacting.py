"""Appends tasks and has the file compacted all the time, until it is killed: `python -m tests.path.compacting FOLDER`.

Says `compacted` once, and then the name of each task that is on disk.
"""

import sys
import threading
from itertools import count
from pathlib import Path

from proxy.task_file import TaskFile
from tests.path.test_tasks import begun


def _compact(file: TaskFile, once: threading.Event) -> None:
    while True:
        file.compact(0)
        once.set()


def main(folder: Path) -> None:
    """Never returns."""
    file, once = TaskFile(folder, 0), threading.Event()
    threading.Thread(target=_compact, args=(file, once), daemon=True).start()
    once.wait()
    sys.stdout.write("compacted\n")
    for number in count():
        file.append(begun(f"over-{number}", over=True))
        file.append(begun(f"task-{number}"))
        sys.stdout.write(f"task-{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
