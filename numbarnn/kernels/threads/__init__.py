"""Several threads for one call.  Read dispatch.py first, which decides, then team.py, which runs.

A job is a kernel f(*args, i, count) that does the i-th of `count` shares of some work; shares of a job are independent.
Names: `count` shares, `i` the number of one; a region is the time from the start of a job to the end of its last share.

dispatch.py  whether and on how many threads        cores.py     how many the user or the system allows
team.py      the threads, and who runs which share  job.py       a job as two addresses
atomic.py    words that threads share               sleeping.py  how a thread sleeps and is woken
"""
