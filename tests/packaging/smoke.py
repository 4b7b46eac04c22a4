"""Which tests are run where the package is installed, and why these.

All tests run in the checkout. What can be different once a wheel has been installed is what these ask: files that ship
beside the code (weights, cards, configurations, headers, guides, styles), entry points, the console script, compiled
kernels of code that lies elsewhere, processes that import it anew, files written by older versions, and one problem
through each method. They take about a minute on two cores.
"""

#: Need the package, pytest and hypothesis.
WITHOUT_A_HOST = (
    "tests/package/test_imports.py",
    "tests/package/test_registry.py",
    "tests/package/test_processes.py",
    "tests/package/test_old_files.py",
    "tests/cli/test_cli.py",
    "tests/cli/test_cli_certify.py",
    "tests/engine/test_every_solver.py",
    "--deselect=tests/engine/test_every_solver.py::TestPyamg",  # an example's, which no wheel holds
    "tests/pictures/test_field_files.py",
    "tests/recordings/test_recorder.py",
    "tests/report/test_page.py",
    "tests/surrogate/test_model.py",
    "tests/training/test_model_package.py",
)
#: Need pyphysicell too: the adapter against its conformance kit, saved runs, and the headers that the wheel holds.
WITH_A_HOST = (
    "tests/hosts/pyphysicell/test_conformance.py",
    "tests/hosts/physicell/test_init.py",
    "--deselect=tests/hosts/physicell/test_init.py::test_the_guide_tells_of_every_option_of_the_command",
    "tests/audit/test_command.py",
)
