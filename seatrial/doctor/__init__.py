"""The surroundings, looked at before work: what is well, what is doubtful, what would fail, and what to type."""
