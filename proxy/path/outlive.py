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

from policy.containment import Contained, mark_of
from policy.obligations import Pointer
from policy.vocabulary import Call
from proxy.detached import Waiting, nothing
from proxy.flights import kill_of
from proxy.gate import Gate
from proxy.path.about import TASK_METHODS, is_of_another, kill_of_task, task_name, task_owner
from proxy.path.own import cancel, own_request
from proxy.path.record import Recording
from proxy.refusals import BadAnswer, NoSuchTask
from proxy.task_file import Begun
from proxy.tasks import LONGEST_SECONDS
from proxy.vocabulary import NO_MESSAGE, Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import Message, MessageKind

GRACE_SECONDS: Final = 60
"""How much longer than its upstream says a task is remembered: clocks differ, and a last poll takes its time."""

ROUND_METHODS: Final = frozenset({"tools/call", "resources/read", "prompts/get"})
_TOLD_SECONDS: Final = 2.0
"""How long an answer waits for its upstream to be told that its task was stopped."""

_NO_REQUEST: Final = Message(b"", MessageKind.REQUEST, None, None, None, None, None, ())

_FAILED: Final = Ending(Outcome.FAILED, Delivery.ANSWER, EffectAt.UNKNOWN, "task_failed")
_CANCELLED: Final = Ending(Outcome.CANCELLED, Delivery.ANSWER, EffectAt.UNKNOWN, "task_cancelled")
_COMPLETED: Final = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.DONE, "task_completed")
_TOOL_FAILED: Final = Ending(Outcome.FAILED, Delivery.ANSWER, EffectAt.UNKNOWN, "tool_error")


def continued(gate: Gate, exchange: Exchange, call: Call) -> Call:
    """`call` with the call that it continues: it asks about its task, or answers its questions.

    Raises NoSuchTask for a task of somebody else.
    """
    if call.direction != "client":
        return call
    if call.method not in TASK_METHODS or call.name is None:
        before = gate.rounds.continued(call)
        return call if before is None else structs.replace(call, continues=before)
    begun = gate.tasks.check(task_name(gate, exchange, call.name), task_owner(gate, exchange.caller))
    return call if begun is None else structs.replace(call, continues=begun.call)


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
        task_name(gate, exchange, task_id),
        task_owner(gate, exchange.caller),
        call.id,
        gate.journals[exchange.caller.tenant].chain.name,
        int(gate.clock.now().unix_ns / 1e9 + ttl_ms / 1000 + GRACE_SECONDS),
        tool=mark_of(call),
    )
    if is_of_another(gate, exchange, task_id):
        raise NoSuchTask
    await record.interim(call, "task")
    if is_of_another(gate, exchange, task_id):
        # Another caller's call was answered with the same task in the meantime.
        raise NoSuchTask
    gate.rounds.keep(call.continues, begun.until - gate.clock.now().unix_ns / 1e9)
    gate.tasks.begin(begun, exchange.caller, exchange.upstream, apart(own))
    if (order := kill_of(gate.orders.current, exchange.caller, exchange.upstream, (call,))) is not None:
        # It came while the note was written: as a request the call was found no more, as a task it was not there yet.
        for stopped in gate.tasks.stop(gate.orders.current):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TOLD_SECONDS):
                    await cancel(gate, stopped)
        raise Contained(order)


async def look(gate: Gate, exchange: Exchange, record: Recording, message: Message) -> None:
    """Look at what an upstream says about a task of this caller: it may end the call that goes on as it.

    Raises NoSuchTask where it speaks of another caller's.
    """
    about = message.params if message.kind is MessageKind.NOTIFICATION else message.result
    task_id = about.get("taskId") if isinstance(about, Mapping) else None
    if isinstance(task_id, str):
        await _look(gate, exchange, record, task_id, _status_ending(about, message))


async def look_at_answer(gate: Gate, exchange: Exchange, record: Recording, call: Call, message: Message) -> None:
    """As `look`, for the answer to a call about a task.

    Raises BadAnswer for an answer about another task, and Contained where a kill of its tool came before the answer.
    """
    result = message.result
    if call.name is None or not isinstance(result, Mapping):
        return
    await _look_at_result(gate, exchange, record, call, call.name, message)
    if call.method != "tasks/cancel" and (order := kill_of_task(gate, exchange, call.name)) is not None:
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
    if is_of_another(gate, exchange, task_id):
        raise NoSuchTask
    if ending is None:
        return
    task, owner = task_name(gate, exchange, task_id), task_owner(gate, exchange.caller)
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
