"""The configuration of `agentgate central`: a TOML file and flags over it, checked as a whole, then frozen.

Nothing else of the control plane reads the environment. All that is wrong is told together (CentralProblems).
"""

import os
import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from central.erasure.retention import Rule
from central.keys.protecting import KeySettings, named_protection
from central.log.witnessing import Witness
from central.readers import Readers, ReadersProblem, read_readers
from central.registry import Registry, RegistryProblem, read_registry
from evidence.key_files import Protection
from evidence.keys import KeyProblem
from evidence.note import COSIGNATURE, read_verifier_key

_T = TypeVar("_T")
_HOST: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]*(?:/[A-Za-z0-9._-]+)*")

Text = Annotated[str, Meta(min_length=1)]


class TlsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate that central shows. Without one it listens on loopback alone."""

    certificate_file: Text | None = None
    key_file: Text | None = None


class WitnessSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A C2SP witness: its verifier key (type 0x04), and the URL before `/add-checkpoint`."""

    key: Text
    url: Text


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The transparency log over the ledger. `merge_seconds` is how soon a receipt promises to be in it; `needed` of
    the witnesses must cosign, or the log stops."""

    origin: Text = "agentgate.local/log"
    folder: Text | None = None
    every_seconds: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    merge_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60
    witnesses: dict[str, WitnessSettings] = {}
    needed: Annotated[int, Meta(ge=0)] = 0


class CentralSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top of the file. `urls` are the addresses by which sidecars call this central, exactly as they write them;
    `abandoned_after_seconds` is how long a chain without a close may be silent before it counts as abandoned."""

    listen: Text = "127.0.0.1:8910"
    urls: tuple[Text, ...] = ()
    state: Text | None = None
    database: Text | None = None
    sidecars: Text | None = None
    readers: Text | None = None
    batch_bytes: Annotated[int, Meta(ge=65_536, le=1 << 30)] = 16 << 20
    abandoned_after_seconds: Annotated[float, Meta(ge=60, le=366 * 86_400)] = 86_400.0
    tls: TlsSettings = TlsSettings()
    keys: KeySettings = KeySettings()
    log: LogSettings = LogSettings()
    retention: tuple[Rule, ...] = ()


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
    """A configuration that cannot be used: everything that is wrong with it, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("central cannot start as configured:\n  " + "\n  ".join(problems))
        self.problems = tuple(problems)


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def read_central_config(file: str | None, flags: Mapping[str, str | None], environ: Mapping[str, str]) -> CentralConfig:
    """The file's settings with the flags' over them. Raises CentralProblems."""
    path = None if file is None else Path(file).absolute()
    settings = _settings(path, {name: value for name, value in flags.items() if value is not None})
    return _Reader(settings, Path.cwd() if path is None else path.parent, environ).config()


def _settings(path: Path | None, flags: Mapping[str, str]) -> CentralSettings:
    document: dict[str, Any] = {}
    try:
        if path is not None:
            document = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert({**document, **_absolute(flags)}, CentralSettings)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise CentralProblems([f"{path or 'flags'}: {error}"]) from error


def _absolute(flags: Mapping[str, str]) -> dict[str, str]:
    """Paths in flags are meant from where the command was given."""
    paths = {"state", "sidecars", "readers"}
    return {name: str(Path(value).absolute()) if name in paths else value for name, value in flags.items()}


class _Reader:
    """The settings, each read into a value or a problem."""

    def __init__(self, settings: CentralSettings, folder: Path, environ: Mapping[str, str]) -> None:
        self._given, self._folder, self._environ = settings, folder, environ
        self._problems: list[str] = []

    def config(self) -> CentralConfig:
        given = self._given
        state = self._path(given.state) or self._default_state()
        host, port = self._address()
        tls = self._tls()
        if tls is None and host not in _LOOPBACK:
            self._problems.append(
                f"listen: {host} can be reached from elsewhere: set tls.certificate_file, or loopback"
            )
        registry_path = self._path(given.sidecars) or state / "sidecars.toml"
        registry = self._read(read_registry, registry_path, Registry({}))
        readers_path = self._path(given.readers) or state / "readers.toml"
        readers = self._read(read_readers, readers_path, Readers({})) if readers_path.exists() else Readers({})
        if not _ORIGIN.fullmatch(given.log.origin):
            self._problems.append(f"log.origin: {given.log.origin!r} is no name: write for example central.example/log")
        witnesses, protection = self._witnesses(), self._protection()
        if self._problems:
            raise CentralProblems(self._problems)
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

    def _path(self, text: str | None) -> Path | None:
        return None if text is None else Path(os.path.normpath(self._folder / Path(text).expanduser()))

    def _default_state(self) -> Path:
        base = self._environ.get("XDG_STATE_HOME") or str(Path(self._environ.get("HOME", "/")) / ".local" / "state")
        return Path(base).absolute() / "agentgate-central"

    def _address(self) -> tuple[str, int]:
        found = _HOST.fullmatch(self._given.listen)
        if found is None or int(found["port"]) > 65_535:
            self._problems.append(f"listen: {self._given.listen!r} is no HOST:PORT: write for example 127.0.0.1:8910")
            return "127.0.0.1", 0
        return found["host"].strip("[]"), int(found["port"])

    def _tls(self) -> ssl.SSLContext | None:
        given = self._given.tls
        if given.certificate_file is None:
            if given.key_file is not None:
                self._problems.append("tls.key_file: has no certificate_file: name the certificate as well")
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(str(self._path(given.certificate_file)), _text(self._path(given.key_file)))
        except OSError as error:
            self._problems.append(f"tls.certificate_file: cannot be used: {error.strerror or error}: name PEM files")
        return context

    def _protection(self) -> Protection | None:
        try:
            return named_protection(self._given.keys, lambda text: self._path(text) or self._folder, self._environ)
        except KeyProblem as problem:
            self._problems.append(str(problem))
            return None

    def _witnesses(self) -> tuple[Witness, ...]:
        given, found = self._given.log, list[Witness]()
        for name, witness in given.witnesses.items():
            try:
                key = read_verifier_key(witness.key)
            except ValueError as error:
                self._problems.append(f"log.witnesses.{name}.key: {error}: write its C2SP verifier key")
                continue
            if key.kind != COSIGNATURE:
                self._problems.append(f"log.witnesses.{name}.key: is no witness's key (type 0x04)")
            if not witness.url.startswith(("https://", "http://")):
                self._problems.append(f"log.witnesses.{name}.url: is no URL: write for example https://witness.example")
            found.append(Witness(key, witness.url.rstrip("/")))
        if given.needed > len(given.witnesses):
            self._problems.append(f"log.needed: {given.needed} of {len(given.witnesses)} witnesses can never cosign")
        return tuple(found)

    def _read(self, read: Callable[[Path], _T], path: Path, nothing: _T) -> _T:
        try:
            return read(path)
        except (RegistryProblem, ReadersProblem) as error:
            self._problems.append(str(error))
            return nothing


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
