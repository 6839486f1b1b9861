"""`agentgate policy pin`: what a tool server says its tools are, written down to be reviewed, or compared to that."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from proxy.commands.command import flags_of, place_arguments, places_of, upstream_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    place_arguments(parser)
    parser.usage = "agentgate policy pin [flags] UPSTREAM [-- CMD ARG...]"
    add = parser.add_argument
    add("name", metavar="UPSTREAM", help="the upstream's name in the configuration, or that of a wrapped server")
    upstream_arguments(parser)
    add("--out", metavar="FILE", help="the lock file (default: pins.json in the state folder)")
    add("--check", action="store_true", help="write nothing; exit 1 and show what is another than was pinned")
    add("--json", action="store_true", dest="as_json", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    """Ask the server, and write or compare. Raises ConfigProblems, PolicyRefused."""
    from policy.pins import FILE, read_file
    from proxy.asking import NotTold

    # A server that ends under our question is an answer, too.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    path = Path(given.out) if given.out else places_of(given).state / FILE
    before = read_file(path)
    try:
        tools = asyncio.run(_tools(given))
    except NotTold as error:
        sys.stderr.write(f"agentgate policy pin: {given.name}: {error}\n")
        return 69
    found = compared(before, given.name, tools)
    if given.as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _print(found, sys.stdout)
    if given.check:
        return 0 if found["same"] == len(tools) and not found["vanished"] else 1
    return _write(path, before, given.name, tools, quiet=given.as_json)


def compared(document: dict[str, Any] | None, name: str, tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How tools compare to the pins of an upstream: how many are the same, and what of the others is another."""
    from policy.pins import NOTHING_PINNED, read_pins

    pins = {} if document is None else read_pins(document, "the lock file")
    pinning = pins.get(name, NOTHING_PINNED)
    found = pinning.compared(tools)
    differing: dict[str, dict[str, Any]] = {}
    for tool in tools:
        tool_name = str(tool.get("name"))
        kind = found.get(tool_name, "new") or "changed"
        if kind != "same":
            unknown = kind == "new" or pinning is NOTHING_PINNED
            differing[tool_name] = {"is": kind, "difference": [] if unknown else pinning.difference(tool_name, tool)}
    return {
        "upstream": name,
        "same": len(tools) - len(differing),
        "differing": differing,
        "vanished": list(pinning.vanished(found)),
        "findings": _findings(tools, [tool for other, each in pins.items() if other != name for tool in each.tools]),
    }


def _findings(tools: Sequence[dict[str, Any]], elsewhere: Sequence[str]) -> dict[str, list[str]]:
    """What looks odd, by the name of the tool; `elsewhere` are the pinned tools of other upstreams."""
    from policy.findings.inspecting import Inspector
    from policy.findings.names import Surroundings

    inspector, around = Inspector(), Surroundings((str(tool.get("name")) for tool in tools), elsewhere)
    found: dict[str, list[str]] = {}
    for tool in tools:
        try:
            codes = inspector.findings(tool, around)
        except ValueError:
            continue
        if codes:
            found[str(tool.get("name"))] = list(codes)
    return found


async def _tools(given: argparse.Namespace) -> list[dict[str, Any]]:
    from proxy.asking import over_http, over_pipes, tools_of

    if given.child:
        async with over_pipes(given.child) as line:
            return await tools_of(line)
    from evidence.problem import Problem
    from proxy.config import environment, read_config
    from proxy.settings.problems import ConfigProblems
    from proxy.targets import http_upstream

    config = read_config(flags_of(given), environment())
    named = {each.name: each for each in config.upstreams}
    if given.name not in named:
        remedy = (
            "Name it in the configuration, with --upstream NAME=URL, or give the server's command after two dashes."
        )
        raise ConfigProblems((Problem("UPSTREAM", f"there is no upstream {given.name}", remedy),))
    async with over_http(http_upstream(named[given.name], config)) as line:
        return await tools_of(line)


def _print(found: dict[str, Any], out: TextIO) -> None:
    from evidence.printable import printable

    out.write(f"{found['same']} tools of {found['upstream']} as pinned\n")
    for name, each in found["differing"].items():
        out.write(f"{each['is']:<10} {printable(name)}\n")
        out.writelines(f"    {printable(line)}\n" for line in each["difference"])
    out.writelines(f"{'vanished':<10} {printable(name)}\n" for name in found["vanished"])
    for name, codes in found["findings"].items():
        out.write(f"{'odd':<10} {printable(name)}: {', '.join(codes)}\n")


def _write(path: Path, before: dict[str, Any] | None, name: str, tools: list[dict[str, Any]], *, quiet: bool) -> int:
    from policy.pins import doubled, with_upstream, write_file

    if twice := doubled(str(tool.get("name")) for tool in tools):
        sys.stderr.write(f"agentgate policy pin: {name} lists {', '.join(sorted(twice))} more than once: not pinned\n")
        return 1
    write_file(path, with_upstream(before, name, tools))
    if not quiet:
        sys.stdout.write(f"pinned {len(tools)} tools of {name} in {path}: review them\n")
    return 0
