"""The users' raw files: all rules for reading, checking and writing them in the plain form are here."""
