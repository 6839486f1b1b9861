"""Who owns which task, and which call goes on as it. Ids of tasks are capabilities: another caller's does not exist.

A call whose answer names a task stays open until its result is seen (tasks/result, or a status that is an end), an
order stops it, the task is forgotten, or the call is given up because there are too many (`places`); then a result
that turns up after all is `late`, also after a restart.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from msgspec import structs

from policy.containment import Orders
from policy.vocabulary import Caller
from proxy.detached import DRAINED, Detached, Waiting
from proxy.places import Places
from proxy.refusals import NoSuchTask
from proxy.task_file import MAX_TASKS, Begun, TaskFile
from proxy.vocabulary import Key

LONGEST_SECONDS: Final = 7 * 24 * 3600
"""A task is forgotten after its own time to live, and after this at the latest."""

AT_ONCE: Final = 256
"""Lines that are written in one go once there is room again: calls are not to wait for thousands."""

_LOG: Final = logging.getLogger("agentgate")


class Tasks:
    """Remembers tasks by their pseudonyms.

    `sole_caller` is True when there can be one caller only: a task that nobody here saw begin is then its own.
    """

    def __init__(
        self,
        file: TaskFile,
        unix_seconds: Callable[[], float],
        monotonic: Callable[[], float],
        places: Places,
        *,
        sole_caller: bool,
    ) -> None:
        self._file = file
        self._now = unix_seconds
        self._sole_caller = sole_caller
        self._begun: OrderedDict[str, Begun] = OrderedDict(file.begun)
        self._running = Detached(monotonic, places)
        self._problem: str | None = None
        self._owed: OrderedDict[str, Begun] = OrderedDict()
        self._ending: Counter[str] = Counter()
        self._compacting: asyncio.Future[None] | None = None

    def problem(self) -> str | None:
        """Why a task may be lost at a restart, or None."""
        return self._problem

    def close(self) -> None:
        """Free the file."""
        self._file.close()

    def check(self, task: str, owner: str) -> Begun | None:
        """What is known of a task of this owner. Raises NoSuchTask for another's, and for nobody's."""
        if self.foreign(task, owner):
            raise NoSuchTask
        return self._known(task)

    def foreign(self, task: str, owner: str) -> bool:
        """True if the task is not this owner's."""
        known = self._known(task)
        return not self._sole_caller if known is None else known.owner != owner

    def known(self, task: str, owner: str) -> Begun | None:
        """What is known of a task of this owner; None for everybody else's."""
        known = self._known(task)
        return known if known is not None and known.owner == owner else None

    def of_another(self, task: str, owner: str) -> bool:
        """True if the task is known to be another's: a server may speak of one before it has named it."""
        known = self._known(task)
        return known is not None and known.owner != owner

    def begin(self, begun: Begun, caller: Caller, upstream: str, waiting: Waiting) -> None:
        """A call goes on as a task; on disk when this returns, unless `problem` says why not.

        Raises NoSuchTask if the task is another owner's already: it is not handed over.
        """
        if self.of_another(begun.task, begun.owner):
            raise NoSuchTask
        begun = structs.replace(begun, until=min(begun.until, int(self._now()) + LONGEST_SECONDS))
        self._running.add(_key(caller, upstream, begun.task), waiting, seconds=begun.until - self._now())
        self._remember(begun)
        if len(self._begun) > MAX_TASKS:
            self._begun.popitem(last=False)

    def take(self, task: str, caller: Caller, upstream: str) -> Waiting | None:
        """What ends the call that goes on as this task, once; None if it has ended, or was begun before a restart."""
        return self._running.take(_key(caller, upstream, task))

    async def over(self, task: str) -> bool:
        """The call gets its last record next: on disk when this returns, else a process after a power cut adds another.

        True for the first who says so. The owner stays the owner.
        """
        known = self._known(task)
        if known is None or known.over:
            return False
        over = structs.replace(known, over=True)
        self._write(over)
        self._ending[task] += 1
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._file.flush)
        except OSError as error:
            self._tell(error)
        except BaseException:
            if self._ending[task] == 1:
                # Whoever asked has gone, and nobody else asks: the last record is still to come.
                self._write(self._begun.get(task, over))
            raise
        finally:
            self._ending -= Counter((task,))
        if self._begun.get(task) != known:
            return False
        self._begun[task] = over
        return True

    def expire(self) -> None:
        """End the calls of tasks that are forgotten by now; a file that has grown is compacted on a thread."""
        self._running.expire()
        self._pay()
        if self._compacting is None and self._file.grown:
            loop = asyncio.get_running_loop()
            self._compacting = loop.run_in_executor(None, self._file.compact, int(self._now()))
            self._compacting.add_done_callback(self._compacted)

    def _compacted(self, done: asyncio.Future[None]) -> None:
        self._compacting = None
        if not done.cancelled() and (error := done.exception()) is not None:
            _LOG.warning("tasks.jsonl of the state folder goes on growing, it could not be compacted: %s", error)

    def end(self) -> None:
        """The process ends; the results of tasks may still turn up in the next one."""
        self._running.end_all(DRAINED)

    def stop(self, orders: Orders) -> list[Waiting]:
        """End every call that a kill hits; what is returned is still to be cancelled at its upstream."""
        return self._running.stop(orders)

    def _known(self, task: str) -> Begun | None:
        known = self._begun.get(task)
        return known if known is not None and known.until > self._now() else None

    def _remember(self, begun: Begun) -> None:
        self._begun[begun.task] = begun
        self._write(begun)

    def _write(self, begun: Begun) -> None:
        self._owed[begun.task] = begun
        self._owed.move_to_end(begun.task, last=False)
        while len(self._owed) > MAX_TASKS:
            self._owed.popitem()
        self._pay()

    def _pay(self) -> None:
        """Append what the file does not have yet: a full disk is not full for ever."""
        due = min(len(self._owed), AT_ONCE)
        for _ in range(due):
            task = next(iter(self._owed))
            try:
                self._file.append(self._owed[task])
            except OSError as error:
                self._tell(error)
                return
            del self._owed[task]
        if due and not self._owed:
            self._problem = None

    def _tell(self, error: OSError) -> None:
        self._problem = f"tasks.jsonl of the state folder: {error.strerror}; a restart forgets whose task is whose"


def _key(caller: Caller, upstream: str, task: str) -> Key:
    return (caller, upstream, None, task)
