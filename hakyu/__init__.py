"""hakyu: how far a ripple spreads. The case (case.py) and the command line (cli.py)."""

__version__ = "0.1.0"
