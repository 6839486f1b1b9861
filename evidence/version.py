"""Which AgentGate this is: what records, packs and first lines say of the program that made them."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version of the installed distribution; `unknown` where there is none, such as a copied folder."""
    try:
        return version("agentgate")
    except PackageNotFoundError:
        return "unknown"
