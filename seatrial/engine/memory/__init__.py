"""An engine and a registry in memory, for tests and for check mode where no engine runs."""
