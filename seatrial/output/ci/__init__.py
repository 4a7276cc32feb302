"""What a CI system takes over: outputs, a summary, annotations, sections of its log."""
