"""About: which task a message is about, whose that is, which tool it runs, and whether a kill has stopped it."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import structs

from evidence.journal import Journal
from policy.containment import UNKNOWN_TOOL, Order
from policy.vocabulary import Call, Caller
from proxy.gate import Gate
from proxy.path.bodies import owner_text
from proxy.vocabulary import Exchange
from proxy.wire.message import Message

TASK_METHODS: Final = frozenset({"tasks/get", "tasks/result", "tasks/update", "tasks/cancel"})
TASK_NOTES: Final = frozenset({"notifications/tasks", "notifications/tasks/status"})

_RELATED: Final = "io.modelcontextprotocol/related-task"


def tool_of_task(gate: Gate, exchange: Exchange, task_id: str) -> str:
    """The mark of the tool that a task of this caller's runs; of every other task it is unknown."""
    begun = gate.tasks.known(task_name(gate, exchange, task_id), task_owner(gate, exchange.caller))
    return UNKNOWN_TOOL if begun is None else begun.tool


def asked_for_task(gate: Gate, exchange: Exchange, call: Call | None, message: Message) -> Call | None:
    """A server's question as a call, with the tool of the task that it is asked for."""
    task_id = _related(message)
    if call is None or task_id is None:
        return call
    return structs.replace(call, task_tool=tool_of_task(gate, exchange, task_id))


def kill_of_task(gate: Gate, exchange: Exchange, task_id: str) -> Order | None:
    """The kill of the tool that a task runs, or may run; None if there is none."""
    if not gate.orders.current.standing:
        return None
    return gate.orders.current.against_task(exchange.caller, exchange.upstream, tool_of_task(gate, exchange, task_id))


def stopped_task(gate: Gate, exchange: Exchange, message: Message) -> Order | None:
    """The kill of the tool whose task a notification is about, or is related to; one that ends a question passes."""
    if message.method == "notifications/cancelled":
        return None
    told = message.params.get("taskId") if isinstance(message.params, Mapping) else None
    ids = (told if message.method in TASK_NOTES else None, _related(message))
    orders = (kill_of_task(gate, exchange, task_id) for task_id in ids if isinstance(task_id, str))
    return next(filter(None, orders), None)


def is_hidden(gate: Gate, exchange: Exchange, task_id: Any) -> bool:
    """True for an item of a list of tasks that is not this caller's, or whose tool a kill has stopped."""
    if not isinstance(task_id, str):
        return True
    foreign = gate.tasks.foreign(task_name(gate, exchange, task_id), task_owner(gate, exchange.caller))
    return foreign or kill_of_task(gate, exchange, task_id) is not None


def is_of_another(gate: Gate, exchange: Exchange, task_id: str) -> bool:
    """True if the task is known to be another caller's, of whatever tenant: its pseudonym is another in each."""
    owner = task_owner(gate, exchange.caller)
    names = (_name_in(journal, exchange, task_id) for journal in gate.journals.values())
    return any(gate.tasks.of_another(name, owner) for name in names)


def task_name(gate: Gate, exchange: Exchange, task_id: str) -> str:
    """The pseudonym by which a task is remembered."""
    return _name_in(gate.journals[exchange.caller.tenant], exchange, task_id)


def task_owner(gate: Gate, caller: Caller) -> str:
    """The pseudonym of whoever's a task is."""
    return gate.journals[caller.tenant].pseudonym("task_owner", owner_text(caller))


def _name_in(journal: Journal, exchange: Exchange, task_id: str) -> str:
    return journal.pseudonym("task", f"{exchange.upstream}\n{task_id}")


def _related(message: Message) -> str | None:
    """The task that a message says it belongs to (2025-11-25, Tasks, Related Task Metadata)."""
    meta = message.params.get("_meta") if isinstance(message.params, Mapping) else None
    task = meta.get(_RELATED) if isinstance(meta, Mapping) else None
    task_id = task.get("taskId") if isinstance(task, Mapping) else None
    return task_id if isinstance(task_id, str) else None
