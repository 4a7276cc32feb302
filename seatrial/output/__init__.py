"""A report for people and for programs: console, build tree, progress bars, tables, JSON, JUnit."""
