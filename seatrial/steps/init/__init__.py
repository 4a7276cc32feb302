"""Write what a folder needs to be released: settings, tasks, Dockerfile, .dockerignore."""
