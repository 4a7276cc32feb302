"""Inspect engine, registry and project before work: what works, what may fail, what fails, and what to type."""
