"""A database on several hosts, one of which takes writes: `postgresql://ONE:5432,TWO:5432/NAME`, as libpq has it."""

import re
from typing import Final

_SEVERAL: Final = re.compile(
    r"(?P<before>postgresql://(?:[^/?@]*@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<path>[^?]*)(?:\?(?P<query>.*))?", re.DOTALL
)
_HOST: Final = re.compile(r"\[(?P<literal>[0-9A-Fa-f:.]+)\](?::(?P<port>\d*))?|(?P<name>[^\[\]:]*)(?::(?P<other>\d*))?")
_WRITABLE: Final = "target_session_attrs=read-write"


def spread(url: str) -> str:
    """The URL with its hosts as parameters, which is how they are read; any other URL as it is.

    Where nothing else is said the one that takes writes is chosen, so that central follows a failover. Raises
    ValueError for what is no host.
    """
    found = _SEVERAL.fullmatch(url)
    if found is None:
        return url
    hosts, ports = list[str](), list[str]()
    for text in found["hosts"].split(","):
        host = _HOST.fullmatch(text)
        if host is None:
            raise ValueError(f"{text!r} is no HOST:PORT")
        hosts.append(host["literal"] or host["name"])
        ports.append(host["port"] or host["other"] or "")
    query = [f"host={','.join(hosts)}", f"port={','.join(ports)}", *filter(None, [found["query"]])]
    if "target_session_attrs=" not in (found["query"] or ""):
        query.append(_WRITABLE)
    return f"{found['before']}{found['path']}?{'&'.join(query)}"
