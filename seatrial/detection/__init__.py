"""What kind of web app a folder holds, read from its files: nothing is run, and nothing is asked."""
