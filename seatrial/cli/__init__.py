"""From flags to steps to an exit code: commands, flags, the playbook, a session, the project's folder."""
