"""`python -m trainability`: the same as the command `trainability`."""

from trainability.cli.main import run

if __name__ == "__main__":
    run()
