"""The programs in this folder are run by test_tutorials.py, not imported."""

collect_ignore_glob = ["*.py"]
