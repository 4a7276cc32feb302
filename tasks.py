"""The playbook: Lading's tasks on this project's values, and this repository's own chores."""

from invoke import Collection

from lading.tasks import ns as lading

ns = Collection.from_module(__import__("lading.tasks", fromlist=["ns"]))
