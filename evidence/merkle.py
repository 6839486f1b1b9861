"""The Merkle tree of RFC 6962 (sections 2.1.1 and 2.1.2). Pure."""
