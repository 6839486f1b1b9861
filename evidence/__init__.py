"""What happened: the evidence chain, its files and its verifier."""
