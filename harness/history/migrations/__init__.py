"""How each schema of the history becomes the next; run by ``harness.history.schema``."""
