"""How kernels are compiled, and where they are kept.  Read jit.py first: all decorators and compile options are there.

shared.py, symbols.py        kernels that other kernels, and that other people's code, call by name
cache.py                     which kernel on disk may be used again;  fingerprint.py  the key of a version of the code
folders.py, trusted.py       which folders, and which files in them nobody else can have written
leftovers.py                 folders of old versions go;  announce.py, notice.py  what a user is told meanwhile
signals.py                   Python's signal handlers wait while LLVM works
"""
