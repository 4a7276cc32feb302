"""What has to be there before an app can be shipped, as steps: an engine, a base image, a local registry."""
