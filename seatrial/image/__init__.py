"""What an image is like beside what it answers: its facts, and what a project demands of them."""
