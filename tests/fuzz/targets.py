"""All targets by name."""

from typing import Final

from tests.fuzz import (
    answers,
    bundles,
    checkpoints,
    growth,
    heads,
    lists,
    messages,
    order_files,
    packs,
    recovering,
    redactions,
    shipments,
    signatures,
    streams,
    verifying,
)
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        messages.CLIENT,
        messages.SERVER,
        streams.SSE,
        streams.LINES,
        answers.ANSWER,
        heads.HEADERS,
        lists.SPLICE,
        order_files.ORDERS,
        verifying.VERIFY,
        recovering.RECOVERY,
        shipments.BATCH,
        packs.PACK,
        bundles.BUNDLE,
        signatures.SIGNATURE,
        checkpoints.CHECKPOINT,
        redactions.REDACTION,
        growth.GROWTH,
    )
}
