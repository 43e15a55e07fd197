"""`python -m cryptoetl.cli`."""

from cryptoetl.cli import main

main()
