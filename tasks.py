"""The playbook: Lading's tasks on this project's values, and this repository's own chores."""

from invoke.collection import Collection

from lading import tasks as road

ns = Collection.from_module(road)
