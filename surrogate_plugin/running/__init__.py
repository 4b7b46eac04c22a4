"""A run without a host: from a settings file to fields, page, recording and files."""
