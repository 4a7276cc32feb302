"""This machine: subprocesses, signals, locks, sockets, atomic writes."""
