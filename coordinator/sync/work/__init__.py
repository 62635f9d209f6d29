"""Work that any worker may do, at any time and more than once: whose turn it is, what waits, failed or is paused.

A job says only where to look: this person, this EHR, its outbox. What is owed there is read from the store when the job
begins, so that a job which comes twice, late or out of order does no harm. Whoever works at an EHR holds a lease with a
fence; what one who has lost it still tries to write is refused by the store.
"""
