"""The users' files: read, checked, and written in the one plain form."""
