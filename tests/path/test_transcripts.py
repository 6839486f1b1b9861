"""The path as transcripts: every line of a row must come, in its order, and nothing else."""

from pathlib import Path

import pytest

from tests.path.transcript import perform

ALLOWED = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        record outcome echo completed answer done ok
        client 200 RESULT
        """,
        id="whole-answer",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << comment
        client hears : ping
        << event PROGRESS
        client hears PROGRESS
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="stream",
    ),
    pytest.param(
        """
        deny echo
        >> CALL
        record refusal echo not_granted
        client 200 1 isError not_granted
        """,
        id="denied",
    ),
]


@pytest.mark.parametrize("text", ALLOWED)
async def test_transcript(text: str, tmp_path: Path) -> None:
    came, expected = await perform(text, tmp_path)
    assert came == expected
