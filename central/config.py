"""The configuration of `agentgate central`: a TOML file and flags over it, checked as a whole, then frozen.

Nothing else of the control plane reads the environment. All that is wrong is told together (CentralProblems).
"""

import os
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from central.erasure.retention import Rule
from central.keys.protecting import named_protection
from central.log.witnessing import Witness
from central.problem import Findings, Unfit
from central.readers import Readers, read_readers
from central.registry import Registry, read_registry
from central.settings import CentralSettings
from central.shaping import Shaping, parsed
from central.store.engine import StoreProblem, read_url
from evidence.key_files import Protection
from evidence.keys import KeyProblem
from evidence.note import COSIGNATURE, read_verifier_key
from evidence.problem import Problem

_T = TypeVar("_T")
_HOST: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]*(?:/[A-Za-z0-9._-]+)*")
_SCHEMES: Final = ("https://", "http://")
_WITNESS_KEY: Final = "Write its C2SP verifier key: `agentgate witness key` prints it."


@dataclass(frozen=True, slots=True)
class CentralConfig:
    """Everything that an operator decides about one central process. Paths are absolute.

    `batch_bytes` bounds a batch when it is unpacked.
    """

    host: str
    port: int
    urls: frozenset[str]
    state: Path
    database: str
    registry: Registry
    registry_path: Path
    readers: Readers
    batch_bytes: int
    abandoned_after_seconds: float
    tls: ssl.SSLContext | None
    protection: Protection | None
    origin: str
    log_folder: Path
    every_seconds: float
    merge_seconds: int
    witnesses: tuple[Witness, ...]
    needed: int
    retention: tuple[Rule, ...]


class CentralProblems(ValueError):
    """A configuration or a command that cannot be used: everything that is wrong with it, and what to do."""

    def __init__(self, problems: Sequence[str | Problem]) -> None:
        told = [str(problem).replace("\n", "\n  ") for problem in problems]
        super().__init__("central cannot do this as it is told to:\n  " + "\n  ".join(told))
        self.problems = tuple(map(str, problems))


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def read_central_config(
    file: str | None, flags: Mapping[str, str | None], environ: Mapping[str, str], *, serves: bool = True
) -> CentralConfig:
    """The file's settings with the flags' over them. Raises CentralProblems with everything that is wrong.

    Only who serves must have a registry: to other commands a missing one is one of nobody.
    """
    path = None if file is None else Path(file).absolute()
    return _Reader(path, {name: value for name, value in flags.items() if value is not None}, environ).config(
        serves=serves
    )


class _Reader:
    """The settings, each read into a value or a problem."""

    def __init__(self, file: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self._file, self._flags, self._environ = file, flags, environ
        self._folder = Path.cwd() if file is None else file.parent
        self._found, self._more = Findings(), list[str | Problem]()
        read = {} if file is None else parsed(file, self._found, "Name a TOML file: docs/central.md has one.")
        self._unread = read is None
        given = {**(read or {}), **_absolute(flags)}
        shaping = Shaping(lambda at: self._where(".".join(at)), self._found)
        self._given = shaping.read(CentralSettings, given) or CentralSettings()

    def config(self, *, serves: bool) -> CentralConfig:
        given = self._given
        state = self._path(given.state) or self._default_state()
        self._check_state(state)
        host, port = self._address()
        tls = self._tls()
        self._check_exposure(host, tls)
        self._check_urls()
        self._check_database()
        registry_path = self._path(given.sidecars) or state / "sidecars.toml"
        readers_path = self._path(given.readers) or state / "readers.toml"
        registry, readers = Registry({}), Readers({})
        # Where they are is not known if the file could not be read.
        if not self._unread and not self._told_of("sidecars", "state") and (serves or registry_path.exists()):
            registry = self._read(read_registry, registry_path, registry)
        if not self._unread and not self._told_of("readers", "state") and (given.readers or readers_path.exists()):
            readers = self._read(read_readers, readers_path, readers)
        self._check_origin()
        witnesses, protection = self._witnesses(), self._protection()
        if self._found.problems or self._more:
            raise CentralProblems([*self._found.problems, *self._more])
        scheme = "http" if tls is None else "https"
        return CentralConfig(
            host=host,
            port=port,
            urls=frozenset(url.rstrip("/") for url in given.urls) or frozenset({f"{scheme}://{host}:{port}"}),
            state=state,
            database=given.database or f"sqlite:///{state / 'ledger.db'}",
            registry=registry,
            registry_path=registry_path,
            readers=readers,
            batch_bytes=given.batch_bytes,
            abandoned_after_seconds=given.abandoned_after_seconds,
            tls=tls,
            protection=protection,
            origin=given.log.origin,
            log_folder=self._path(given.log.folder) or state / "log",
            every_seconds=given.log.every_seconds,
            merge_seconds=given.log.merge_seconds,
            witnesses=witnesses,
            needed=given.log.needed,
            retention=given.retention,
        )

    def _where(self, key: str) -> str:
        """The flag that gave this key, else the file and the key, with dots."""
        if key in self._flags:
            return f"--{key}"
        return key if self._file is None else f"{self._file}: {key}"

    def _add(self, key: str, what: str, remedy: str) -> None:
        self._found.add(self._where(key), what, remedy)

    def _told_of(self, *keys: str) -> bool:
        return any(self._found.told_of(self._where(key)) for key in keys)

    def _path(self, text: str | None) -> Path | None:
        return None if text is None else Path(os.path.normpath(self._folder / Path(text).expanduser()))

    def _default_state(self) -> Path:
        base = self._environ.get("XDG_STATE_HOME") or str(Path(self._environ.get("HOME", "/")) / ".local" / "state")
        return Path(base).absolute() / "agentgate-central"

    def _check_state(self, state: Path) -> None:
        there = next(path for path in (state, *state.parents) if path.exists())
        if not there.is_dir():
            self._add("state", f"{there} is no folder", "Choose another place, or move away what lies there.")

    def _address(self) -> tuple[str, int]:
        found = _HOST.fullmatch(self._given.listen)
        if found is None or int(found["port"]) > 65_535:
            self._add("listen", f"{self._given.listen!r} is no HOST:PORT", "Write for example 127.0.0.1:8910.")
            return "127.0.0.1", 0
        return found["host"].strip("[]"), int(found["port"])

    def _check_exposure(self, host: str, tls: ssl.SSLContext | None) -> None:
        if tls is None and host not in _LOOPBACK and not self._told_of("tls"):
            what = f"{host} can be reached from elsewhere, and nothing is encrypted"
            self._add("listen", what, "Set tls.certificate_file and tls.key_file, or listen on 127.0.0.1.")

    def _check_urls(self) -> None:
        for url in self._given.urls:
            if not url.startswith(_SCHEMES):
                self._add("urls", f"{url!r} is no URL", "Write what sidecars write, such as https://central.example.")

    def _check_database(self) -> None:
        try:
            read_url(self._given.database or "sqlite:///ledger.db")
        except StoreProblem as problem:
            self._add("database", str(problem), "Write sqlite:///PATH or postgresql://USER@HOST/NAME.")

    def _check_origin(self) -> None:
        origin = self._given.log.origin
        if not _ORIGIN.fullmatch(origin):
            self._add("log.origin", f"{origin!r} is no name of a log", "Write for example central.example/log.")

    def _tls(self) -> ssl.SSLContext | None:
        given = self._given.tls
        if given.certificate_file is None:
            if given.key_file is not None and not self._told_of("tls.certificate_file"):
                self._add("tls.key_file", "has no certificate_file", "Name the certificate as well.")
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(str(self._path(given.certificate_file)), _text(self._path(given.key_file)))
        except OSError as error:
            what = f"cannot be used: {error.strerror or error}"
            self._add("tls.certificate_file", what, "Name PEM files that belong together: tls.key_file has the key.")
        return context

    def _protection(self) -> Protection | None:
        try:
            return named_protection(self._given.keys, lambda text: self._path(text) or self._folder, self._environ)
        except KeyProblem as problem:
            self._more.append(self._where(str(problem)))
            return None

    def _witnesses(self) -> tuple[Witness, ...]:
        given, found = self._given.log, list[Witness]()
        for name, witness in given.witnesses.items():
            at = f"log.witnesses.{name}"
            try:
                key = read_verifier_key(witness.key)
            except ValueError as error:
                self._add(f"{at}.key", str(error), _WITNESS_KEY)
                continue
            if key.kind != COSIGNATURE:
                self._add(f"{at}.key", "is no witness's key (type 0x04)", _WITNESS_KEY)
            if not witness.url.startswith(_SCHEMES):
                self._add(f"{at}.url", "is no URL", "Write for example https://witness.example.")
            found.append(Witness(key, witness.url.rstrip("/")))
        if given.needed > len(given.witnesses) and not self._told_of("log.witnesses"):
            what = f"{given.needed} of {len(given.witnesses)} witnesses can never cosign"
            self._add("log.needed", what, "Name more witnesses in log.witnesses, or need fewer.")
        return tuple(found)

    def _read(self, read: Callable[[Path], _T], path: Path, nothing: _T) -> _T:
        try:
            return read(path)
        except Unfit as unfit:
            self._more.extend(unfit.problems)
            return nothing


def _absolute(flags: Mapping[str, str]) -> dict[str, str]:
    """Paths in flags are meant from where the command was given."""
    paths = {"state", "sidecars", "readers"}
    return {name: str(Path(value).absolute()) if name in paths else value for name, value in flags.items()}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
