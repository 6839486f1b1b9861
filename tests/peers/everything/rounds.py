"""What the conformance suite asks for by name about results that need more input (2026-07-28, several rounds)."""

import json
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

Ctx = Context[Any, Any]


def ask(message: str, member: str, kind: str = "string") -> ElicitRequest:
    """A form with one field."""
    schema = {"type": "object", "properties": {member: {"type": kind}}, "required": [member]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str, max_tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def _answer(ctx: Ctx, key: str, member: str) -> object:
    """One member of one elicited answer, or None."""
    answer = (ctx.input_responses or {}).get(key)
    return answer.content.get(member) if isinstance(answer, ElicitResult) and answer.content else None


def _need(state: str | None = None, **requests: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


async def test_input_required_result_elicitation(ctx: Ctx) -> str | InputRequiredResult:
    """One elicitation."""
    name = _answer(ctx, "user_name", "name")
    return f"Hello, {name}!" if name else _need(user_name=ask("What is your name?", "name"))


async def test_input_required_result_sampling(ctx: Ctx) -> str | InputRequiredResult:
    """One sampling."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if not isinstance(answer, CreateMessageResult):
        return _need(capital_question=_sample("What is the capital of France?", 100))
    return f"The model said: {answer.content.text if isinstance(answer.content, TextContent) else '?'}"


async def test_input_required_result_list_roots(ctx: Ctx) -> str | InputRequiredResult:
    """One list of roots."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return _need(client_roots=ListRootsRequest())
    return f"Roots: {', '.join(str(root.uri) for root in answer.roots)}"


async def test_input_required_result_request_state(ctx: Ctx) -> str | InputRequiredResult:
    """A state that must come back."""
    if "confirm" in (ctx.input_responses or {}) and ctx.request_state == "request-state-nonce":
        return "state-ok: confirmation received"
    return _need("request-state-nonce", confirm=ask("Please confirm", "ok", "boolean"))


async def test_input_required_result_multiple_inputs(ctx: Ctx) -> str | InputRequiredResult:
    """Three requests of different kinds in one result."""
    if {"user_name", "greeting", "client_roots"} <= (ctx.input_responses or {}).keys():
        return "All inputs received."
    return _need(
        "multiple-inputs",
        user_name=ask("What is your name?", "name"),
        greeting=_sample("Generate a greeting", 50),
        client_roots=ListRootsRequest(),
    )


async def test_input_required_result_multi_round(ctx: Ctx) -> str | InputRequiredResult:
    """Three rounds with a state that grows."""
    state = json.loads(ctx.request_state) if ctx.request_state else {"round": 0}
    if state["round"] == 1 and (name := _answer(ctx, "step1", "name")):
        later = json.dumps({"round": 2, "name": name})
        return _need(later, step2=ask("Step 2: What is your favorite color?", "color"))
    if state["round"] == 2 and (color := _answer(ctx, "step2", "color")):
        return f"{state['name']} likes {color}."
    return _need(json.dumps({"round": 1}), step1=ask("Step 1: What is your name?", "name"))


async def test_input_required_result_tampered_state(ctx: Ctx) -> str | InputRequiredResult:
    """A state that is sealed: the SDK refuses a changed one before this is reached."""
    if ctx.request_state is None:
        return _need("round-1", confirm=ask("Please confirm", "ok", "boolean"))
    return f"state-ok: {ctx.request_state}"


async def test_input_required_result_capabilities(ctx: Ctx) -> InputRequiredResult:
    """Asks only for what the client declared."""
    declared = ctx.client_capabilities
    requests: dict[str, InputRequest] = {}
    if declared is None or declared.sampling is not None:
        requests["sample"] = _sample("Say hello", 50)
    if declared is None or declared.elicitation is not None:
        requests["ask"] = ask("What is your name?", "name")
    return _need("capability-gated", **requests)


async def test_input_required_result_prompt(ctx: Ctx) -> list[UserMessage] | InputRequiredResult:
    """A prompt that needs an answer first."""
    text = _answer(ctx, "user_context", "context")
    if text is None:
        return _need(user_context=ask("What context should the prompt use?", "context"))
    return [UserMessage(TextContent(type="text", text=f"Use the following context: {text}"))]


TOOLS = (
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_tampered_state,
    test_input_required_result_capabilities,
)
