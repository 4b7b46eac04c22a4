"""PhysiCell (C++): a header for its main.cpp, and the Python that the header runs; see README.md in this folder."""
