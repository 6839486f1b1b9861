"""`agentgate central`: the ledger, the log over it, and the HTTP face before them, in one process.

keys -> ledger (schema checked) -> log (taken over, compared with what was published) -> listen
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp
import uvloop
from aiohttp import web

from central.abandonment.watching import GRACE_SECONDS, LOOKS_SECONDS, Abandoning
from central.config import CentralConfig
from central.export_face import ExportFace
from central.ingest import Ingest
from central.keys.opening import begun, folder_of, protection_of
from central.keys.signing import SigningKeys
from central.ledger.ledger import Ledger
from central.log.asking import NoWitnesses, Witnesses
from central.log.proving import Prover
from central.log.sequencer import Published, Sequencer
from central.log.sql_state import SqlTreeState
from central.log.stopping import HeldElsewhere, LogStopped, Overtaken, WitnessesAway
from central.log.store import LogFolder
from central.log.witnessing import WitnessClient
from central.metrics import CentralMetrics
from central.reader_face import ReaderFace
from central.receipts import Receipts
from central.recurring import Recurring
from central.serving import central_app
from central.store.engine import SQLITE, LedgerUnavailable, Store, open_store
from central.store.partitions import PARTITIONS_SECONDS, make_partitions
from central.store.schema import current_revision, migrate
from evidence.clock import SystemClock
from evidence.key_history import History
from evidence.signers import Purpose, SigningFailed
from evidence.version import own_version

_RETRY_SECONDS: Final = 5.0


def run_central(config: CentralConfig) -> int:
    """Run until SIGTERM or SIGINT; gives the exit code. Raises KeyProblem, StoreProblem, LedgerUnavailable, OSError."""
    uvloop.run(_central(config))
    return 0


_LATER: Final = (
    HeldElsewhere, Overtaken, WitnessesAway, LedgerUnavailable, LogStopped, SigningFailed, OSError,
)  # fmt: skip
"""After these the log is tried again; /readyz says which it was."""


class LogKeeper:
    """Keeps one log going: whoever holds its folder and its database sequences, the others wait; what stops it is told.

    `size` is that of the last checkpoint with as many cosignatures as are needed: spools are given up by it.
    """

    def __init__(
        self, config: CentralConfig, store: Store, keys: SigningKeys, witnesses: Witnesses, metrics: CentralMetrics
    ) -> None:
        self._config, self._keys = config, keys
        self._state = SqlTreeState(store, SystemClock())
        self._witnesses, self._metrics = witnesses, metrics
        self._folder = LogFolder(config.log_folder)
        self._waiting = asyncio.Event()
        self.problem: str | None = "the log has not begun"
        self.size = 0

    def wake(self) -> None:
        """Something waits for its leaves."""
        self._waiting.set()

    async def run(self) -> None:
        """Sequence until cancelled."""
        while True:
            try:
                with self._folder.held(), self._state.held():
                    await self._sequence()
            except _LATER as error:
                self.problem = f"log {self._config.origin}: {error}"
            await asyncio.sleep(_RETRY_SECONDS)

    async def _sequence(self) -> None:
        sequencer = Sequencer(self._state, self._folder, self._keys, self._witnesses)
        self._published(await sequencer.start())
        while True:
            published = await sequencer.step()
            if published is not None:
                self._published(published)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.every_seconds):
                    await self._waiting.wait()
            self._waiting.clear()

    def _published(self, published: Published) -> None:
        size, have = published.checkpoint.size, len(published.cosigned)
        self.problem = None
        if have >= published.needed:
            self.size = size
        else:
            self.problem = (
                f"log {self._config.origin}: {have} of {published.asked} witnesses have cosigned {size} leaves, "
                f"{published.needed} must"
            )
        self._metrics.log_size(size)

    def file(self, path: str) -> bytes | None:
        """What is published at a path of the log."""
        try:
            return (self._config.log_folder / path).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None


async def _central(config: CentralConfig) -> None:
    async with AsyncExitStack() as stack:
        keeper, recurring, app = await stack.enter_async_context(_assembled(config))
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(keeper.run()), *(tasks.create_task(work.run()) for work in recurring)]
            async with _listening(app, config):
                _announce(config, await begun(config, SystemClock()))
                await _stop_signal()
            for task in beside:
                task.cancel()


@asynccontextmanager
async def _assembled(config: CentralConfig) -> AsyncIterator[tuple[LogKeeper, list[Recurring], web.Application]]:
    config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    receipts, log = await _keys(config)
    await asyncio.to_thread(_prepare, config)
    ledger = await asyncio.to_thread(Ledger.open, config.database)
    recurring = _recurring(config, ledger)
    # Before the first record comes: what came before its month's partition would stay where it is.
    await asyncio.to_thread(recurring[0].work)
    metrics = CentralMetrics(own_version())
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
    witnesses = WitnessClient(session, config.witnesses, config.needed) if config.witnesses else NoWitnesses()
    keeper = LogKeeper(config, ledger.store, log, witnesses, metrics)
    signs = Receipts(receipts, origin=config.origin, clock=SystemClock(), merge_seconds=config.merge_seconds)
    ingest = Ingest(
        ledger,
        signs,
        batch_bytes=config.batch_bytes,
        log_size=lambda: keeper.size,
        appended=keeper.wake,
    )
    try:
        yield (
            keeper,
            recurring,
            central_app(
                config,
                ingest,
                ReaderFace(config.readers, ledger.store, Prover(LogFolder(config.log_folder)), SystemClock()),
                ExportFace(
                    config.readers, ledger.store, signs, lambda: _history(config, Purpose.RECEIPTS), SystemClock()
                ),
                keeper.file,
                metrics,
                lambda: [problem for problem in (keeper.problem, receipts.problem) if problem],
            ),
        )
    finally:
        await asyncio.to_thread(ingest.close)
        await session.close()
        ledger.close()


def _history(config: CentralConfig, purpose: Purpose) -> bytes | None:
    history = folder_of(config, purpose).history()
    return None if history is None else history.bytes()


def _recurring(config: CentralConfig, ledger: Ledger) -> list[Recurring]:
    """What central does from time to time; partitions first."""
    clock, after = SystemClock(), config.abandoned_after_seconds
    abandoning = Abandoning(ledger, config.state, clock, after_seconds=after, say=_say)
    return [
        Recurring(
            "partitions cannot be made ahead",
            lambda: make_partitions(ledger.store, clock.now().unix_ns // 1_000),
            every_seconds=PARTITIONS_SECONDS,
            say=_say,
        ),
        Recurring(
            "no chain can be stated as abandoned",
            abandoning.look_at_all,
            every_seconds=LOOKS_SECONDS,
            say=_say,
            first_seconds=min(GRACE_SECONDS, after),
        ),
    ]


def _say(text: str) -> None:
    sys.stderr.write(f"agentgate central: {text}\n")


def _prepare(config: CentralConfig) -> None:
    """An embedded ledger is made on first start; another one is migrated by whoever says so."""
    store = open_store(config.database)
    try:
        if store.dialect == SQLITE:
            with store.reading() as connection:
                fresh = current_revision(connection) is None
            if fresh:
                migrate(store)
    finally:
        store.close()


async def _keys(config: CentralConfig) -> tuple[SigningKeys, SigningKeys]:
    """The keys of receipts and of the log, taken up. Raises KeyProblem, OSError."""
    await begun(config, SystemClock())
    protection = await asyncio.to_thread(protection_of, config)
    receipts, log = (SigningKeys(folder_of(config, purpose), protection) for purpose in (Purpose.RECEIPTS, Purpose.LOG))
    for keys in (receipts, log):
        await keys.start()
    return receipts, log


@asynccontextmanager
async def _listening(app: web.Application, config: CentralConfig) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, ssl_context=config.tls).start()
        yield
    finally:
        await runner.cleanup()


def _announce(config: CentralConfig, keys: Mapping[Purpose, History]) -> None:
    """Say on stderr where sidecars ship to, and by which key its receipts count."""
    lines = [
        f"agentgate central {own_version()} ready",
        f"listens      {', '.join(sorted(config.urls))}",
        f"ledger       {config.database.partition('://')[0]}, {len(config.registry.sidecars)} sidecars registered",
        f"log          {config.origin} in {config.log_folder}",
        *(f"key          {purpose}: {history.root.text()}" for purpose, history in keys.items()),
    ]
    sys.stderr.write("\n  ".join(lines) + "\n")
    sys.stderr.flush()


async def _stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
