"""Smoke checks: as they stand in the settings, as they are asked over HTTP, and what is wrong with an answer."""
