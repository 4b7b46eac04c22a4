"""``python -m cc3d.run_script -i PROJECT.cc3d``"""

from __future__ import annotations

import argparse

from cc3d import CompuCellSetup

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", "--input", required=True)
    parser.add_argument("-o", "--output-dir")
    CompuCellSetup.run_cc3d_project(parser.parse_args().input)
