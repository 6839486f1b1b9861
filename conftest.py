"""Makes the fixtures with real peers, and the summary of the attack table, known to every run."""

pytest_plugins = ["tests.peers.fixtures", "tests.attacks.summary"]
