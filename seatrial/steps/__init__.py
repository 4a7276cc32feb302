"""The steps of every command, one folder for each stage of the road."""
