"""Walks a plan for any client: steps in, outcomes out (see tests/peers/steps.py). Imports the standard library only."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Plan = dict[str, Any]
ANSWER = {"colour": "green"}
"""What the person answers who is asked."""


class Told(Exception):
    """The framework hands an error to the model; the text is what the model reads."""


class Agent(Protocol):
    """A client that is connected. What it raises beside Told is an error that the program gets, not the model."""

    def version(self) -> str: ...

    async def tools(self) -> list[str]: ...

    async def call(self, name: str, arguments: Plan, note: Callable[[float], None]) -> str: ...

    async def read(self, uri: str) -> str: ...

    async def prompt(self, name: str, arguments: dict[str, str]) -> str: ...


async def _call(agent: Agent, step: Plan) -> Plan:
    progress: list[float] = []
    calling: Awaitable[str] = agent.call(step["name"], step["arguments"], progress.append)
    try:
        async with asyncio.timeout(step.get("cancel_after")):
            text, error = await calling, False
    except Told as told:
        text, error = str(told), True
    except TimeoutError:
        if "cancel_after" not in step:
            raise
        return {"cancelled": True}
    return {"text": text, "error": error, "progress": progress if "progress" in step else []}


async def _step(agent: Agent, step: Plan) -> Plan:
    match step["do"]:
        case "list":
            return {"names": await agent.tools()}
        case "call":
            return await _call(agent, step)
        case "read":
            return {"text": await agent.read(step["uri"])}
        case _:
            return {"text": await agent.prompt(step["name"], step["arguments"])}


def _failed(error: Exception) -> Plan:
    """The SDK's error has a code; what a framework raises of its own has none."""
    found = getattr(error, "error", None)
    code = getattr(found, "code", None) or getattr(error, "code", None) or 0
    return {"failed": {"code": code, "message": f"{type(error).__name__}: {error}"}}


async def _steps(agent: Agent, steps: Sequence[Plan]) -> list[Plan]:
    outcomes = []
    for step in steps:
        try:
            outcomes.append(await _step(agent, step))
        except Exception as error:  # noqa: BLE001 (whatever a framework raises is what came of the step)
            outcomes.append(_failed(error))
    return outcomes


def main(connect: Callable[[Plan], AbstractAsyncContextManager[Agent]]) -> None:
    """Reads the plan from the last argument, prints what came of it."""

    async def run(plan: Plan) -> Plan:
        async with connect(plan) as agent:
            outcomes = await _steps(agent, plan["steps"])
            await asyncio.sleep(plan["linger_seconds"])
            return {"version": agent.version(), "outcomes": outcomes}

    sys.stdout.write(json.dumps(asyncio.run(run(json.loads(sys.argv[-1])))))
