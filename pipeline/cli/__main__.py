"""`python -m pipeline.cli` is `slant`."""

from pipeline.cli import main

main()
