"""Random problems: tissues, the published study's discs, states that a host recorded."""
