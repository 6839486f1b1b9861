"""How a command ends: the exit codes, and each failure that has one. The text that is printed names file and remedy."""

from typing import Final

from proxy.errors.entry import Entry, Family

OK: Final = 0
NOT_TRUE: Final = 1
USAGE: Final = 64
UNAVAILABLE: Final = 69
INTERNAL: Final = 70
INTERRUPTED: Final = 130

_NO_AGENT: Final = "Nothing: no agent meets it."


def _exit(number: int, meaning: str, operator: str) -> Entry:
    return Entry(Family.EXIT, str(number), meaning, _NO_AGENT, operator, exit=number)


def _start(code: str, number: int, meaning: str, operator: str) -> Entry:
    return Entry(Family.START, code, meaning, _NO_AGENT, operator, exit=number)


EXITS: Final = (
    _exit(OK, "The command did what it says.", "Nothing."),
    _exit(
        NOT_TRUE,
        "What was checked is not true (`verify`, `demo`, `policy check`, `explain`, …).",
        "The output says what.",
    ),
    _exit(
        USAGE, "The command line or the configuration is wrong; nothing was started.", "Mend each line that is printed."
    ),
    _exit(
        UNAVAILABLE, "Something that is needed is not there: OPA, the disk, an address.", "See to it, and start again."
    ),
    _exit(INTERNAL, "AgentGate itself failed.", "`AGENTGATE_DEBUG=1` shows where; report it."),
    _exit(
        INTERRUPTED,
        "The command was interrupted (Ctrl-C).",
        "Nothing. `wrap` ends as its child does: 128 and the signal.",
    ),
)

STARTS: Final = (
    _start(
        "ConfigProblems",
        USAGE,
        "The configuration cannot be used; all problems are printed, each with flag or file and key.",
        "Mend each of them; `agentgate config check` looks again without starting anything.",
    ),
    _start(
        "PolicyRefused",
        USAGE,
        "The policy, or the file of grants, cannot become active; each problem is a line.",
        "Mend the files; `agentgate policy check --policy PATH` looks again, `policy verify` at a bundle's signature. "
        "A sidecar that runs keeps the one before.",
    ),
    _start(
        "PolicyAway",
        UNAVAILABLE,
        "The server of the policy gave no bundle, and none was kept from before.",
        "See to the server, or to the token and authorities for it (`policy.server`), and start again.",
    ),
    _start(
        "KeyProblem",
        USAGE,
        "A key file in the state folder cannot be used: open to others, no key, half gone, or under another "
        "passphrase.",
        "The text names the file and what to do: `chmod 600`, the right passphrase, or restore it from a copy.",
    ),
    _start(
        "SigningFailed",
        UNAVAILABLE,
        "What holds a signing key gave no signature that holds; nothing goes out unsigned.",
        "The text names the key. See to what holds it, or exchange it: docs/keys.md says how.",
    ),
    _start(
        "OrdersProblem",
        USAGE,
        "The local orders cannot be relied on; who cannot know whether it was killed does not start.",
        "Restore `orders.jsonl` and `orders.mark` of the state folder from a copy, both of the same time.",
    ),
    _start(
        "CannotStart",
        USAGE,
        "`wrap` cannot start the command of the tool server.",
        "Write a command that exists and can be run, after two dashes.",
    ),
    _start(
        "CentralProblems",
        USAGE,
        "Central cannot do what it is told to, by its configuration or on the command line; all problems are told at "
        "once.",
        "Each line names the key, what is wrong with it, and what to write.",
    ),
    _start(
        "WitnessProblem",
        USAGE,
        "The witness cannot start as it is told to.",
        "The text names the flag or file; a witness that forgot what it cosigned must begin under another key.",
    ),
    _start(
        "StoreProblem",
        USAGE,
        "The database of central is named wrongly, or cannot do what central needs of one.",
        "Write `sqlite:///PATH` or `postgresql://USER@HOST/NAME`, with `--database` or as `database` in the file.",
    ),
    _start(
        "SchemaProblem",
        USAGE,
        "The schema of central's database is not that of this version; nothing has changed.",
        "`agentgate central migrate` brings an older schema up; a newer one needs the newer version.",
    ),
    _start(
        "ErasureProblem",
        USAGE,
        "What was to be erased, held or released cannot be, as it was asked for; nothing has changed.",
        "The text says what is missing or in the way; docs/erasure.md has the commands.",
    ),
    _start(
        "LedgerUnavailable",
        UNAVAILABLE,
        "The database of central is away, full or too slow.",
        "See to the database, or to `--database`; sidecars keep their evidence until it is back.",
    ),
    _start(
        "CannotRewrite",
        USAGE,
        "`wrap-config` cannot rewrite the client's configuration; it is unchanged.",
        "Mend the file, or write the entry by hand as the text says.",
    ),
    _start(
        "PermissionError",
        USAGE,
        "The operating system does not let this user do it; the text names the path.",
        "Give the user the right, or choose another folder, port or socket.",
    ),
    _start(
        "NotRecorded",
        UNAVAILABLE,
        "Evidence cannot be written where it should lie.",
        "Make `evidence.folder` a folder that the sidecar's user can write, on a disk with space.",
    ),
    _start(
        "CannotDecide",
        UNAVAILABLE,
        "The policy engine cannot be reached.",
        "Start OPA with the bundle of this policy at `policy.opa_address`, or leave the engine at `embedded`.",
    ),
    _start(
        "OpaMissing",
        UNAVAILABLE,
        "There is no OPA program, or it does not start.",
        "Install OPA, or name it in `AGENTGATE_OPA`.",
    ),
    _start("PartMissing", UNAVAILABLE, "The demo lacks a package or git.", "Install what the text names."),
    _start(
        "EADDRINUSE",
        UNAVAILABLE,
        "Somebody listens at `listen` or `admin` already.",
        "Choose another address, or end the other process. Two sidecars of one state folder need an `admin` each.",
    ),
)
