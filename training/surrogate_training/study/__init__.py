"""The published study, at a chosen scale."""
