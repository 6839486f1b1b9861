"""Outlive: calls that go on after the answer to their request: as tasks at the upstream, or in rounds of input.

2025-11-25: the answer to a request with `params.task` is `{task: {taskId, status, ttl}}`; tasks/get tells the status,
tasks/result brings the result. 2026-07-28 (tasks extension): the answer has `resultType: "task"` and the members of the
task; tasks/get brings the result with the status `completed`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from evidence.journal import Journal
from policy.containment import UNKNOWN_TOOL, Contained, Order, mark_of
from policy.obligations import Pointer
from policy.vocabulary import Call, Caller
from proxy.detached import Waiting, nothing
from proxy.flights import kill_of
from proxy.gate import Gate
from proxy.path.bodies import owner_text
from proxy.path.own import own_request
from proxy.path.parse import Parsed
from proxy.path.record import Recording
from proxy.refusals import BadAnswer, NoSuchTask
from proxy.task_file import Begun
from proxy.tasks import LONGEST_SECONDS
from proxy.vocabulary import NO_MESSAGE, Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import Message, MessageKind

TASK_METHODS: Final = frozenset({"tasks/get", "tasks/result", "tasks/update", "tasks/cancel"})
GRACE_SECONDS: Final = 60
"""How much longer than its upstream says a task is remembered: clocks differ, and a last poll takes its time."""

ROUND_METHODS: Final = frozenset({"tools/call", "resources/read", "prompts/get"})
TASK_NOTES: Final = frozenset({"notifications/tasks", "notifications/tasks/status"})

_TOLD_SECONDS: Final = 2.0
"""How long an answer waits for its upstream to be told that its task was stopped."""

_RELATED: Final = "io.modelcontextprotocol/related-task"

_NO_REQUEST: Final = Message(b"", MessageKind.REQUEST, None, None, None, None, None, ())

_FAILED: Final = Ending(Outcome.FAILED, Delivery.ANSWER, EffectAt.UNKNOWN, "task_failed")
_CANCELLED: Final = Ending(Outcome.CANCELLED, Delivery.ANSWER, EffectAt.UNKNOWN, "task_cancelled")
_COMPLETED: Final = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.DONE, "task_completed")
_TOOL_FAILED: Final = Ending(Outcome.FAILED, Delivery.ANSWER, EffectAt.UNKNOWN, "tool_error")


def with_tools(gate: Gate, exchange: Exchange, parsed: Sequence[Parsed]) -> tuple[Parsed, ...]:
    """The messages, each call about a task of this caller's with the tool that it runs: a kill of that holds for it."""
    return tuple(_with_tool(gate, exchange, item) for item in parsed)


def _with_tool(gate: Gate, exchange: Exchange, item: Parsed) -> Parsed:
    call = item.call
    if call is None or call.direction != "client" or call.method not in TASK_METHODS or call.name is None:
        return item
    return Parsed(item.message, structs.replace(call, task_tool=_tool(gate, exchange, call.name)))


def about_task(gate: Gate, exchange: Exchange, call: Call | None, message: Message) -> Call | None:
    """A server's question as a call, with the tool of the task that it is asked for."""
    task_id = _related(message)
    return call if call is None or task_id is None else structs.replace(call, task_tool=_tool(gate, exchange, task_id))


def _tool(gate: Gate, exchange: Exchange, task_id: str) -> str:
    """The mark of the tool that a task of this caller's runs; of every other task it is unknown."""
    begun = gate.tasks.known(_task(gate, exchange, task_id), _owner(gate, exchange.caller))
    return UNKNOWN_TOOL if begun is None else begun.tool


def _kill_of_task(gate: Gate, exchange: Exchange, task_id: str) -> Order | None:
    if not gate.orders.current.standing:
        return None
    return gate.orders.current.against_task(exchange.caller, exchange.upstream, _tool(gate, exchange, task_id))


def _related(message: Message) -> str | None:
    """The task that a message says it belongs to (2025-11-25, Tasks, Related Task Metadata)."""
    meta = message.params.get("_meta") if isinstance(message.params, Mapping) else None
    task = meta.get(_RELATED) if isinstance(meta, Mapping) else None
    task_id = task.get("taskId") if isinstance(task, Mapping) else None
    return task_id if isinstance(task_id, str) else None


def continued(gate: Gate, exchange: Exchange, call: Call) -> Call:
    """`call` with the call that it continues: it asks about its task, or answers its questions.

    Raises NoSuchTask for a task of somebody else.
    """
    if call.direction != "client":
        return call
    if call.method not in TASK_METHODS or call.name is None:
        before = gate.rounds.continued(call)
        return call if before is None else structs.replace(call, continues=before)
    begun = gate.tasks.check(_task(gate, exchange, call.name), _owner(gate, exchange.caller))
    return call if begun is None else structs.replace(call, continues=begun.call)


def is_hidden(gate: Gate, exchange: Exchange, task_id: Any) -> bool:
    """True for an item of a list of tasks that is not this caller's, or whose tool a kill has stopped."""
    if not isinstance(task_id, str) or gate.tasks.foreign(
        _task(gate, exchange, task_id), _owner(gate, exchange.caller)
    ):
        return True
    return _kill_of_task(gate, exchange, task_id) is not None


async def go_on(gate: Gate, exchange: Exchange, record: Recording, call: Call, message: Message) -> bool:
    """Keep `call` open if `message` does not end it; the note of that is durable when this returns.

    It goes on as a task, or with the request that answers the questions of `message`.
    """
    if call.id not in record.open:
        return False
    call = record.decided(call)
    if (task := _begun(call, call.params, message)) is not None:
        _require_whole(record.redacts(call))
        await _go_on_as_task(gate, exchange, record, call, task, lambda own: _apart(record, call, own))
        return True
    result = message.result
    asks = call.method in ROUND_METHODS and call.direction == "client" and isinstance(result, Mapping)
    if not asks or result.get("resultType") != "input_required":
        return False
    await record.interim(call, "input_required")
    apart = record.apart(call, structs.replace(exchange, envelope=NO_MESSAGE), _NO_REQUEST)
    gate.rounds.asked(call, result, replace(apart, late=nothing))
    return True


async def go_on_late(gate: Gate, record: Recording, waiting: Waiting, message: Message) -> bool:
    """As `go_on`, for an answer to a request that is open without a stream: its call goes on as a task, if at all.

    Where the call has its outcome already, the task is its owner's all the same, and its result is late.
    """
    call = waiting.call
    if call is None or (task := _begun(call, waiting.request.params, message)) is None:
        return False
    _require_whole(waiting.redact)
    await _go_on_as_task(gate, waiting.exchange, record, call, task, waiting.instead)
    return True


def _require_whole(hidden: Sequence[Pointer]) -> None:
    """The result of a task is fetched by other calls, which would get what is to be redacted for this one."""
    if hidden:
        raise BadAnswer("task_unredactable", "the call is to be answered with values redacted, and goes on as a task")


def _apart(record: Recording, call: Call, own: Exchange) -> Waiting:
    return record.apart(call, own, own.envelope.messages[0], own=True)


async def _go_on_as_task(
    gate: Gate,
    exchange: Exchange,
    record: Recording,
    call: Call,
    task: tuple[str, float],
    apart: Callable[[Exchange], Waiting],
) -> None:
    """`apart` gives what ends the call, once it is given the request that cancels the task."""
    task_id, ttl_ms = task
    own = own_request(gate, exchange, "tasks/cancel", {"taskId": task_id}, name=task_id)
    begun = Begun(
        _task(gate, exchange, task_id),
        _owner(gate, exchange.caller),
        call.id,
        gate.journals[exchange.caller.tenant].chain.name,
        int(gate.clock.now().unix_ns / 1e9 + ttl_ms / 1000 + GRACE_SECONDS),
        tool=mark_of(call),
    )
    if _of_another(gate, exchange, task_id):
        raise NoSuchTask
    await record.interim(call, "task")
    if _of_another(gate, exchange, task_id):
        # Another caller's call was answered with the same task in the meantime.
        raise NoSuchTask
    gate.rounds.keep(call.continues, begun.until - gate.clock.now().unix_ns / 1e9)
    gate.tasks.begin(begun, exchange.caller, exchange.upstream, apart(own))
    if (order := kill_of(gate.orders.current, exchange.caller, exchange.upstream, (call,))) is not None:
        # It came while the note was written: as a request the call was found no more, as a task it was not there yet.
        for stopped in gate.tasks.stop(gate.orders.current):
            await _tell(gate, stopped)
        raise Contained(order)


async def _tell(gate: Gate, stopped: Waiting) -> None:
    """Have a task cancelled at its upstream, which may take its time, and does not get much of it."""
    leg = gate.upstreams[stopped.exchange.upstream].leg()
    with suppress(TimeoutError):
        async with asyncio.timeout(_TOLD_SECONDS):
            await leg.tell(stopped.exchange)
    await leg.close()


async def look(gate: Gate, exchange: Exchange, record: Recording, message: Message) -> None:
    """Look at what an upstream says about a task of this caller: it may end the call that goes on as it.

    Raises NoSuchTask where it speaks of another caller's.
    """
    about = message.params if message.kind is MessageKind.NOTIFICATION else message.result
    task_id = about.get("taskId") if isinstance(about, Mapping) else None
    if isinstance(task_id, str):
        await _look(gate, exchange, record, task_id, _status_ending(about, message))


def stopped_task(gate: Gate, exchange: Exchange, message: Message) -> Order | None:
    """The kill of the tool whose task a notification is about, or is related to; one that ends a question passes."""
    if message.method == "notifications/cancelled":
        return None
    told = message.params.get("taskId") if isinstance(message.params, Mapping) else None
    ids = (told if message.method in TASK_NOTES else None, _related(message))
    orders = (_kill_of_task(gate, exchange, task_id) for task_id in ids if isinstance(task_id, str))
    return next(filter(None, orders), None)


async def look_at_answer(gate: Gate, exchange: Exchange, record: Recording, call: Call, message: Message) -> None:
    """As `look`, for the answer to a call about a task.

    Raises BadAnswer for an answer about another task, and Contained where a kill of its tool came before the answer.
    """
    result = message.result
    if call.name is None or not isinstance(result, Mapping):
        return
    await _look_at_result(gate, exchange, record, call, call.name, message)
    if call.method != "tasks/cancel" and (order := _kill_of_task(gate, exchange, call.name)) is not None:
        raise Contained(order)


async def _look_at_result(
    gate: Gate, exchange: Exchange, record: Recording, call: Call, task_id: str, message: Message
) -> None:
    result = message.result
    if call.method == "tasks/result":
        await _look(gate, exchange, record, task_id, _result_ending(result, message))
        return
    if result.get("taskId", task_id) != task_id:
        raise BadAnswer("foreign_task", "the answer is about another task than was asked for")
    await _look(gate, exchange, record, task_id, _status_ending(result, message))


async def _look(gate: Gate, exchange: Exchange, record: Recording, task_id: str, ending: Ending | None) -> None:
    if _of_another(gate, exchange, task_id):
        raise NoSuchTask
    if ending is None:
        return
    task, owner = _task(gate, exchange, task_id), _owner(gate, exchange.caller)
    begun = gate.tasks.known(task, owner)
    first = begun is not None and await gate.tasks.over(task)
    if (waiting := gate.tasks.take(task, exchange.caller, exchange.upstream)) is not None:
        if (written := waiting.end(ending)) is not None:
            await written
    elif begun is not None and first:
        await record.late_before_restart(begun.call, begun.chain, ending)


def _begun(call: Call, params: Any, message: Message) -> tuple[str, float] | None:
    """The id of the task that an answer to `params` begins, and for how many milliseconds the upstream keeps it."""
    result = message.result
    if call.method in TASK_METHODS or call.direction != "client" or not isinstance(result, Mapping):
        return None
    if result.get("resultType") == "task":
        return _named(result, "ttlMs")
    asked = isinstance(params, Mapping) and "task" in params
    return _named(result.get("task"), "ttl") if asked else None


def _named(task: Any, ttl_member: str) -> tuple[str, float] | None:
    if not isinstance(task, Mapping) or not isinstance(task.get("taskId"), str):
        return None
    ttl = task.get(ttl_member)
    timed = isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0 <= ttl <= LONGEST_SECONDS * 1000
    return task["taskId"], float(ttl) if timed and ttl is not None else LONGEST_SECONDS * 1000.0


def _status_ending(task: Mapping[str, Any], message: Message) -> Ending | None:
    """How the call of a task ended by its status; None while it goes on, or while its result is still to be fetched."""
    match task.get("status"):
        case "failed":
            return structs.replace(_FAILED, answer=message.raw)
        case "cancelled":
            return structs.replace(_CANCELLED, answer=message.raw)
        case "completed" if "result" in task:
            return _result_ending(task["result"], message)
        case _:
            return None


def _result_ending(result: Any, message: Message) -> Ending:
    failed = isinstance(result, Mapping) and result.get("isError") is True
    return structs.replace(_TOOL_FAILED if failed else _COMPLETED, answer=message.raw)


def _of_another(gate: Gate, exchange: Exchange, task_id: str) -> bool:
    """True if the task is known to be another caller's, of whatever tenant: its pseudonym is another in each."""
    owner = _owner(gate, exchange.caller)
    names = (_named_in(journal, exchange, task_id) for journal in gate.journals.values())
    return any(gate.tasks.of_another(name, owner) for name in names)


def _task(gate: Gate, exchange: Exchange, task_id: str) -> str:
    return _named_in(gate.journals[exchange.caller.tenant], exchange, task_id)


def _named_in(journal: Journal, exchange: Exchange, task_id: str) -> str:
    return journal.pseudonym("task", f"{exchange.upstream}\n{task_id}")


def _owner(gate: Gate, caller: Caller) -> str:
    return gate.journals[caller.tenant].pseudonym("task_owner", owner_text(caller))
