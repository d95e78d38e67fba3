"""The read engine: an operation becomes a selection, a plan, SQL with a shaper, and an answer.

Words used here. *Source*: where a field's data is (`catalog`). *Selection*: the fields asked for of one concrete type.
*Plan*: frozen nodes; *Rows* is a set of rows of one table and always carries its visibility predicate (*guard*).
*Slot*: a place for a value known only at run time (a variable, a page size, today). *Shaper*: one generated function
from rows to the answer. *Structural* variables change the plan itself: page sizes, flags, which filters are present.
"""
