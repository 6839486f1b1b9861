"""Two replicas of central on one PostgreSQL, fifty sidecars that ship to both: nothing is lost, nothing there twice."""

import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from central.check.checking import check_ledger
from central.check.published import Expected
from central.log.store import LogFolder
from central.registry import Registry
from central.store.engine import open_store
from evidence.checkpoint import Checkpoint
from evidence.note import read_verifier_key
from tests.central.ledger.gate import Gate
from tests.central.shipping import asked, posted, registered
from tests.central.test_main_line import until
from tests.peers.central import Central, central
from tests.peers.postgres import Postgres
from tests.peers.processes import Program, free_port
from tests.soak import books

pytestmark = pytest.mark.xdist_group("replicas")

CHAINS = 50
BATCHES = 5


@dataclass(slots=True)
class Replica:
    """One of them: killed and started again over the same folders."""

    place: Central
    flags: tuple[str, ...]
    log: Path
    program: Program | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self.program = self._stack.enter_context(self.place.running(self.flags))

    def kill(self) -> None:
        if self.program is not None:
            self.program.kill()
        self.close()

    def close(self) -> None:
        self._stack.close()
        self.program = None


@contextmanager
def replicas(url: str, folder: Path, *, own_logs: bool) -> Iterator[list[Replica]]:
    """They share keys and database, and have a port each."""
    first = central(folder / "central")
    first.key("log")
    made = []
    for number, place in enumerate((first, replace(first, port=free_port()))):
        log = folder / (f"log-{number}" if own_logs else "log")
        config = folder / f"central-{number}.toml"
        config.write_text(f'[log]\nfolder = "{log}"\nevery_seconds = 0.1\n')
        made.append(Replica(place, ("-c", str(config), "--database", url), log))
    try:
        yield made
    finally:
        for each in made:
            each.close()


def ship(gate: Gate, places: list[Central], random: Random) -> None:
    """As an uplink does: from where central says that it stands, at whichever replica answers."""
    ends = [5 + 4 * number for number in range(BATCHES)]
    held = 0
    while held < ends[-1]:
        place = random.choice(places)
        try:
            if random.random() < 0.2:
                held = asked(place, gate).held
                if held == ends[-1]:
                    return  # The answer to the last batch was lost, and nothing else.
            last = next(end for end in ends if end > held)
            said = posted(place, gate, gate.part(held, last))
        except (OSError, http.client.HTTPException):
            continue
        assert said.status in {200, 409, 503}, said
        held = said.held if said.status == 200 else asked_of(places, gate, random)


def asked_of(places: list[Central], gate: Gate, random: Random) -> int:
    while True:
        try:
            return asked(random.choice(places), gate).held
        except (OSError, http.client.HTTPException):
            continue


@pytest.mark.parametrize("own_logs", [pytest.param(False, id="one-log-folder"), pytest.param(True, id="a-folder-each")])
def test_fifty_chains_at_two_replicas(server: Postgres, template: str, tmp_path: Path, *, own_logs: bool) -> None:
    url = server.new_database(template)
    gates = [Gate(f"gate-{number}").start() for number in range(CHAINS)]
    for gate in gates:
        for number in range(BATCHES):
            gate.calls(f"{number}-a", f"{number}-b").head()
    trees: list[Checkpoint] = []
    with replicas(url, tmp_path, own_logs=own_logs) as both:
        registered(both[0].place, gates)
        places = [each.place for each in both]
        for each in both:
            each.start()
        with ThreadPoolExecutor(8) as pool:
            shipped = [pool.submit(ship, gate, places, Random(number)) for number, gate in enumerate(gates)]
            for each in (both[0], both[1], both[0]):
                _grows(both, trees)
                each.kill()
                each.start()
            for one in shipped:
                one.result()
        total = sum(len(gate.links) - 1 for gate in gates)
        until(lambda: any(_size(each) == total for each in both))
        last = next(each for each in both if _size(each) == total)
        _agree(url, last, gates, total)
        assert books.other_trees(last.log, trees) == []


def _size(replica: Replica) -> int:
    tree = books.checkpoint(replica.log)
    return 0 if tree is None else tree.size


def _grows(both: list[Replica], trees: list[Checkpoint]) -> None:
    """Until somebody has published more than before, or all; what is published is remembered."""
    before = max(map(_size, both))
    stop = threading.Event()
    for _ in range(100):
        if max(map(_size, both)) > before:
            break
        stop.wait(0.1)
    trees += [tree for each in both if (tree := books.checkpoint(each.log)) is not None]


def _agree(url: str, last: Replica, gates: list[Gate], total: int) -> None:
    links = books.ledger_links(url)
    assert len(links) == total
    assert links == {(gate.chain, seq): link for gate in gates for seq, link in enumerate(gate.links) if seq}
    leaves = books.leaves(last.log)
    assert set(leaves.values()) == {1}
    assert {leaf.hex() for leaf in leaves} == set(links.values())
    log = read_verifier_key(last.place.key("log"))
    with closing(open_store(url)) as store:
        found = check_ledger(
            store, LogFolder(last.log), Expected([log]), Registry({gate.name: gate.registered for gate in gates})
        )
    assert found.findings.told == []
