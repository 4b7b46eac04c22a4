"""A finished run that commands read."""

from tests.audit.conftest import output as output
