"""Rows on evidence that has left its sidecar (central, log, witnesses, packs), each with the test that plays it."""

from collections.abc import Mapping
from typing import Final

from tests.attacks.row import Elsewhere

_HELD: Final[Mapping[str, tuple[str, ...]]] = {
    "central/test_authentication.py::test_nobody": (
        "oauth/sidecar-token-for-another-central",
        "oauth/sidecar-token-for-another-body",
        "oauth/sidecar-token-for-a-day",
        "oauth/sidecar-token-of-another-tenant",
        "oauth/sidecar-token-by-another-key",
        "oauth/sidecar-token-alg-none",
        "oauth/sidecar-token-hmac-by-the-public-key",
        "oauth/sidecar-token-expired",
        "oauth/sidecar-token-of-the-future",
    ),
    "central/test_reader_face.py::test_nobody_else_sees_anything": ("bypass/central-read-without-a-token",),
    "central/test_reader_face.py::test_nothing_of_another_tenant": ("tenant/records-of-another",),
    "central/test_reader_face.py::test_no_proof_for_another_tenant": ("tenant/log-proof-for-another",),
    "central/ledger/test_kept.py::test_evidence_of_somebody_else": ("tenant/evidence-as-another",),
    "central/erasure/test_erasing.py::test_equal_names_of_two_tenants_are_two_units": ("tenant/erasure-of-a-namesake",),
    "central/pack/test_exporting.py::test_nothing_of_another_tenant_is_in_it": ("tenant/pack-with-another",),
    "central/ledger/test_reading.py::test_a_question_takes_so_long_and_no_longer": ("exhaustion/question-of-a-reader",),
    "central/test_replicas.py::test_fifty_chains_at_two_replicas": ("audit/replicas-race",),
    "central/test_full_disk.py::test_a_full_disk": ("audit/full-disk-of-central",),
    "central/test_main_line.py::test_nothing_is_lost_or_doubled_by_ends_of_both": ("audit/kill-9-of-both",),
    "central/test_main_line.py::test_a_receipt_by_another_key_ends_no_wait": ("audit/forged-receipt",),
    "central/test_main_line.py::test_without_central_only_calls_that_need_it_are_refused": ("kill/central-down",),
    "central/test_batches.py::test_a_fork_comes_again_and_again": ("audit/fork",),
    "central/test_rollback.py::test_a_central_from_an_older_copy": ("audit/central-rolled-back",),
    "central/test_rollback.py::test_a_sidecar_from_an_older_copy": ("audit/spool-rolled-back",),
    "central/log/test_starting.py::test_it_stops_and_signs_nothing": ("audit/log-rolled-back",),
    "central/log/test_split_view.py::test_a_crash_at_any_moment_splits_nothing": ("audit/kill-9-in-the-log",),
    "central/log/test_split_view.py::test_whoever_is_held_up_while_another_goes_on_signs_no_other_tree": (
        "audit/split-view",
    ),
    "central/test_witness.py::test_what_is_refused": ("audit/fork-shown-to-a-witness",),
    "central/log/test_proving.py::test_changed_files_prove_nothing": ("audit/log-files-changed",),
    "central/store/test_guards.py::test_nobody_changes_what_is_kept": ("audit/ledger-overwritten",),
    "central/check/test_check.py::test_a_deed_is_found_and_named": ("audit/ledger-changed-beside-its-guards",),
    "central/ledger/test_append.py::test_a_clock_that_goes_back": ("audit/clock-jump-against-a-witness",),
    "central/ledger/test_append.py::test_a_hole_that_nobody_declared": ("audit/batch-dropped",),
    "central/erasure/test_erasing.py::test_a_key_that_is_sent_again_stays_away": ("audit/erased-key-sent-again",),
    "central/erasure/test_erasing.py::test_a_ledger_that_was_restored_is_told_again_what_it_has_forgotten": (
        "audit/erasure-undone-by-a-restore",
    ),
    "central/test_keys.py::test_what_a_revoked_key_has_signed_does_not_count": ("audit/revoked-key",),
    "evidence/pack/test_tampering.py::test_what_is_tampered_with_is_named": ("audit/tail-cut-off", "audit/pack-edited"),
    "evidence/pack/test_tampering.py::test_no_single_bit_can_be_flipped": ("audit/pack-any-bit",),
    "evidence/pack/test_archive.py::test_what_is_refused": ("encoding/pack-bomb", "bypass/pack-path-that-leads-out"),
    "evidence/pack/test_archive.py::test_a_name_that_stands_twice": ("encoding/pack-name-twice",),
    "evidence/pack/test_archive.py::test_two_entries_over_one_member": ("encoding/pack-overlapping-members",),
    "evidence/pack/test_page.py::test_what_others_wrote_is_text": ("unicode/markup-in-the-page-of-a-pack",),
}  # fmt: skip

CENTRAL: Final = tuple(Elsewhere(name, f"tests/{test}") for test, names in _HELD.items() for name in names)
