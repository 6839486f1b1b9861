"""An HTTP upstream as the configuration describes it."""

import ssl

from proxy.config import Config
from proxy.forward import HttpUpstream, Target
from proxy.settings.upstreams import Upstream


def http_upstream(given: Upstream, config: Config) -> HttpUpstream:
    """The upstream, connected to nothing yet."""
    return HttpUpstream(
        Target(
            name=given.name,
            url=given.url,
            added_headers=given.added_headers,
            forward_headers=given.forward_headers,
            return_headers=given.return_headers,
            passthrough_auth=given.auth == "passthrough",
            tls=None if given.ca_file is None else ssl.create_default_context(cafile=given.ca_file),
            fingerprint=given.fingerprint,
            reach=given.reach,
            connect_seconds=config.limits.upstream_connect_seconds,
            answer_bytes=config.limits.answer_bytes,
        )
    )
