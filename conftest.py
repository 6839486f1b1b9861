"""Makes the fixtures with real peers known to every test."""

pytest_plugins = ["tests.peers.fixtures"]
