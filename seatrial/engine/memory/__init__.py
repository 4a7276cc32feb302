"""An engine and a registry in memory, for tests and for check mode without an engine."""
