"""This machine: subprocesses, signals, locks, sockets, firewall rules, files written at once."""
