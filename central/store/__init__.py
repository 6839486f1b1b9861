"""Where central keeps things: tables, migrations, connections. SQLite for one process, PostgreSQL for several."""
