"""The layout of a transparency log as static files (C2SP tlog-tiles). Pure."""
