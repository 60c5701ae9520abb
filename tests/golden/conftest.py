"""The scripts that make the golden files need torch and are no tests."""

collect_ignore = ["make.py", "make_checkpoints.py"]
