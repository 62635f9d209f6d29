"""Seals: what is known about people is encrypted field by field before the database sees it.

In come plain fields with the place where they stand; out go sealed ones, which only this place of this tenant opens.
The key of a tenant is kept in the database, wrapped by a master key that never is. It must never tell a field in an
error, nor open what was moved, changed or put there from outside.
"""

from coordinator.store.seals.fields import SealBroken, Seals
from coordinator.store.seals.master_key import MasterKey, MasterKeyFile, new_master_key

__all__ = ["MasterKey", "MasterKeyFile", "SealBroken", "Seals", "new_master_key"]
