"""The keys of central: where they lie, how they change, and who signs with them."""
