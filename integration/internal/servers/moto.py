# Starts moto's server on a free loopback port and prints the port. It closes every connection after its reply: it cannot find the next
# request behind a body that it has not read.
import logging
import os
import sys

# This file has the name of the package that it starts, and stands first on the path.
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
