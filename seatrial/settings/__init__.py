"""The settings file and the environment, validated into the model."""
