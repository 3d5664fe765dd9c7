# Starts moto's server on a free loopback port and prints the port.
import logging
import os
import sys

# This file has the name of the package that it starts, and stands first on the path.
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections


logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
print(server.server_port, flush=True)
server.serve_forever()
