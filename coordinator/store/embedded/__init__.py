"""The PostgreSQL that comes with us: started by the first command, shared by all, ended when nobody needs it.

In comes the home folder; out comes how to connect, for as long as the caller works. Everything, data, socket, locks and
passwords, lies in the home folder and nowhere else, so removing it removes all. It must never listen on a network,
trust a connection without password, or leave a server behind.
"""

from coordinator.store.embedded.server import Connection, is_running, stop, using

__all__ = ["Connection", "is_running", "stop", "using"]
