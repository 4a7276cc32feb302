"""What images are made of: their steps and layers, what they share, and what a push or a pull moves."""
