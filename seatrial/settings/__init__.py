"""The settings file and the environment, validated and turned into the model's types."""
