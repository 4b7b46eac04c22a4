"""The command line of training; quick to import, since ``--help`` imports it."""
