"""``python -m surrogate_plugin``: the command line, where its script is not on the path."""

from surrogate_plugin.cli import main

if __name__ == "__main__":
    main()
