"""`python -m timeline`, for where the program itself is not on the path."""

from timeline.cli import main

main()
