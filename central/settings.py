"""The shape of `central.toml`: what may be written, with type, bounds, unit, and what to write.

Every key is optional unless it says otherwise; a key that is not here is a problem. Sizes are in bytes and times in
seconds, as their names say.
"""

from typing import Annotated

from msgspec import Meta, Struct

from central.erasure.retention import Rule
from central.keys.protecting import KeySettings

Text = Annotated[str, Meta(min_length=1)]
_Pem = Meta(description="Write the path of a PEM file.")
_Toml = Meta(description="Write the path of a TOML file.")
_Folder = Meta(description="Write the path of a folder.")


class TlsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate that central shows. Without one it listens on loopback alone."""

    certificate_file: Annotated[Text | None, _Pem] = None
    key_file: Annotated[Text | None, _Pem] = None


class WitnessSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A C2SP witness: its verifier key (type 0x04), and the URL before `/add-checkpoint`."""

    key: Annotated[Text, Meta(description="Write its C2SP verifier key: `agentgate witness key` prints it.")]
    url: Annotated[Text, Meta(description="Write its URL, such as https://witness.example.")]


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The transparency log over the ledger. `merge_seconds` is how soon a receipt promises to be in it; `needed` of
    the witnesses must cosign, or the log stops."""

    origin: Annotated[Text, Meta(description="Write the log's name, such as central.example/log.")] = (
        "agentgate.local/log"
    )
    folder: Annotated[Text | None, _Folder] = None
    every_seconds: Annotated[float, Meta(gt=0, le=3600, description="Write seconds, at most 3600.")] = 1.0
    merge_seconds: Annotated[int, Meta(ge=1, le=86_400, description="Write seconds, from 1 to 86400.")] = 60
    witnesses: dict[str, WitnessSettings] = {}
    needed: Annotated[int, Meta(ge=0, description="Write how many of the witnesses must cosign.")] = 0


class CentralSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top of the file. `urls` are the addresses by which sidecars call this central, exactly as they write them;
    `abandoned_after_seconds` is how long a chain without a close may be silent before it counts as abandoned."""

    listen: Annotated[Text, Meta(description="Write HOST:PORT.")] = "127.0.0.1:8910"
    urls: Annotated[tuple[Text, ...], Meta(description='Write a list, such as ["https://central.example"].')] = ()
    state: Annotated[Text | None, _Folder] = None
    database: Annotated[Text | None, Meta(description="Write sqlite:///PATH or postgresql://USER@HOST/NAME.")] = None
    sidecars: Annotated[Text | None, _Toml] = None
    readers: Annotated[Text | None, _Toml] = None
    batch_bytes: Annotated[
        int, Meta(ge=65_536, le=1 << 30, description="Write bytes, from 65536 (64 KiB) to 1073741824 (1 GiB).")
    ] = 16 << 20
    abandoned_after_seconds: Annotated[
        float, Meta(ge=60, le=366 * 86_400, description="Write seconds, from a minute to a year.")
    ] = 86_400.0
    tls: TlsSettings = TlsSettings()
    keys: KeySettings = KeySettings()
    log: LogSettings = LogSettings()
    retention: tuple[Rule, ...] = ()
