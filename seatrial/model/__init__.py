"""The nouns as frozen types: apps and their checks, references, versions, platforms, sizes, policies."""
