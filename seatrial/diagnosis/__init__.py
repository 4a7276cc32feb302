"""The failure doctor: from what a failed container leaves behind to one named cause and the next command."""
