"""Rows of the classes that are not played here: held elsewhere, not held, or about what this version has not."""

from collections.abc import Mapping
from typing import Final

from tests.attacks.centrally import CENTRAL
from tests.attacks.row import Elsewhere, KnownMiss, NotBuilt
from tests.evidence.redaction.hiding import FOUND, MISSED

_HELD: Final[Mapping[str, str]] = {
    "smuggling/slow-body": "path/test_edges.py::test_a_slow_body",
    "smuggling/body-that-breaks-off": "path/test_edges.py::test_a_body_that_breaks_off_in_a_chunk",
    "audit/kill-9-fifty-times-under-load": "crash/test_killed.py::test_nothing_reaches_the_upstream_unrecorded",
    "audit/full-disk": "crash/test_full_disk.py::test_a_full_disk_refuses_and_loses_nothing",
    "audit/failing-disk": "evidence/test_failing_disk.py::test_an_intent_that_could_not_be_flushed_was_never_sent",
    "audit/historic-attacks-as-files": "evidence/test_vectors.py::test_a_folder",
    "neighbour/another-user-on-the-socket": "path/test_peer_user.py::test_only_the_configured_user_is_the_agent",
    "policy/huge-or-damaged-bundle": "policy/test_bundle.py::test_an_archive_is_read_whole_or_refused",
    "policy/opa-socket-of-another-user": "policy/test_peer.py::test_a_strangers_answer_is_no_decision",
    "approval/clock-set-back": "policy/test_approval.py::test_a_clock_that_is_set_back_revives_nothing",
    "approval/file-filled-by-asking-and-cancelling": (
        "policy/test_approval.py::test_who_asks_and_cancels_fills_no_file_and_washes_nothing_away"
    ),
    "approval/all-places-of-held-calls": "path/test_holding.py::test_one_caller_leaves_room_for_others",
    "approval/agent-at-the-desk": "peers/test_approval_desk.py::test_who_may_not",
    "redaction/catastrophic-pattern": (
        "evidence/redaction/test_hostile.py::test_a_hostile_text_takes_steps_in_proportion_to_its_length"
    ),
    **{
        f"redaction/{hidden.name}": "evidence/redaction/test_hiding.py::test_values_in_disguise_are_found"
        for hidden in FOUND
    },
    "ssrf/oauth-metadata-of-another-origin": (
        "oauth/test_attacks.py::test_metadata_of_another_origin_is_never_fetched"
    ),
    "ssrf/name-of-a-metadata-service": "path/test_reach.py::test_nothing_is_sent_out_of_reach",
    "ssrf/oauth-metadata-redirected": "oauth/test_attacks.py::test_no_redirect_is_followed",
    "oauth/challenge-with-two-readings": "oauth/test_attacks.py::test_a_challenge_with_two_readings_does_not_arrive",
    "oauth/tokens-of-another-upstream": (
        "oauth/test_attacks.py::test_a_server_cannot_ask_for_tokens_of_another_upstream"
    ),
    "exhaustion/tasks-that-nobody-fetches": (
        "path/test_places.py::test_what_one_agent_leaves_open_keeps_no_other_from_calling"
    ),
    "exhaustion/clients-that-hang-up": "path/test_places.py::test_agents_that_hang_up_keep_no_other_from_calling",
    "exhaustion/ten-thousand-sessions": "soak/sessions.py::run",
    "supply-chain/hash-locked-dependencies": "structure/test_dependencies.py::test_each_locked_line_has_hashes",
}
ELSEWHERE: Final = (*(Elsewhere(name, f"tests/{held}") for name, held in _HELD.items()), *CENTRAL)
KNOWN_MISSES: Final = (
    *(
        KnownMiss(f"redaction/{hidden.name}", "policy can redact its place; evidence does not find it by its form")
        for hidden in MISSED
    ),
)
NOT_BUILT: Final = (
    *(
        NotBuilt(f"oauth/{name}", "callers show a configured token; there is no token exchange")
        for name in (
            "wrong-audience",
            "wrong-issuer",
            "alg-none",
            "kid-as-path",
            "expired",
            "not-yet-valid",
            "wider-scope",
        )
    ),
    NotBuilt("replay/opens-no-connection", "there is no replay"),
    NotBuilt("supply-chain/sbom", "no list of parts is made"),
    NotBuilt("supply-chain/audit-in-ci", "nothing compares the locked versions with published advisories"),
)
OTHERS: Final[tuple[Elsewhere | KnownMiss | NotBuilt, ...]] = (*ELSEWHERE, *KNOWN_MISSES, *NOT_BUILT)
