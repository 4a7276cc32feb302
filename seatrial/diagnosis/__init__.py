"""Diagnose a failed container: one named cause, and the next command."""
