"""Which nodes a precision hurts, and which few to keep out of it: search, oracle, and what was measured so far."""
