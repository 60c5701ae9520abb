"""The script that makes the golden arrays needs torch and is no test."""

collect_ignore = ["make.py"]
