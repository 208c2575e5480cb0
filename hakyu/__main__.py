"""`python -m hakyu` is the command line."""

from hakyu.cli import main

if __name__ == "__main__":
    main(prog_name="hakyu")
