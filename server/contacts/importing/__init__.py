"""Files of contacts on their way into the phone book.

A file is looked at (opening.py), kept (files.py) and, in the task worker, read once into plain rows (tables.py, cards.py).
The person matches its columns (columns.py); each row becomes an entry (entries.py), which is compared with the phone
book (planning.py): that alone is the dry run. The import writes what was planned (writing.py), an undo takes it back
(undoing.py). asking.py has the verbs, working.py what the worker does, looking_after.py the chores.
"""
