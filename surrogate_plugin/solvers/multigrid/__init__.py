"""Geometric multigrid: float32 V-cycles inside float64 refinement."""
