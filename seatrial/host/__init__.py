"""This machine: subprocesses, signals, locks, sockets, firewall rules, atomic writes."""
