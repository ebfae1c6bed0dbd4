"""Logs in by SASL with kazoo, does one thing, and says in one line what became of it. Arguments: servers, path, user, password."""
import sys

from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, NoAuthError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import make_acl

servers, path, user, password = sys.argv[1:]
client = KazooClient(
    hosts=servers,
    timeout=10,
    sasl_options={"mechanism": "DIGEST-MD5", "username": user, "password": password},
)
try:
    client.start(timeout=15)
    client.create(path, b"x", acl=[make_acl("auth", "", all=True)])
    acls, _ = client.get_acls(path)
    print("said: logged in", acls[0].id.scheme, acls[0].id.id)
except AuthFailedError:
    print("said: AuthFailed")
except NoAuthError:
    print("said: NoAuth")
except KazooTimeoutError:
    print("said: no session")
sys.exit(0)
