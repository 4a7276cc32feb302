"""The surroundings, looked at before work: what is well, what is doubtful, what would fail, and what to type."""

__all__ = ["dockerfile_lint", "engine", "files", "findings"]
