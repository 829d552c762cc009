"""One module a file format: walk the structure, read where and when, take metadata out.

Pixels and sound are never encoded again. Photos, MP3 are rebuilt from the parts that are wanted;
in the other formats unwanted parts are overwritten where they stand, so that no offset moves.
"""
