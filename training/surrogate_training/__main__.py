"""``python -m surrogate_training``."""

from surrogate_training.cli import main

if __name__ == "__main__":  # a sample worker imports this module too
    raise SystemExit(main())
