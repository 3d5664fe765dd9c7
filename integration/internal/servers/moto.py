# Starts moto's server on a free loopback port and prints the port. Two things are put right around it, so that it does the same every
# time. It closes a connection after the reply but does not read every body to its end, which may break the reply: here the body is read
# first. And it checks a condition and then writes, with no lock over both: here it answers one request at a time.
import io
import logging
import os
import sys
import threading

# This file has the name of the package that it starts, and stands first on the path.
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)
turn = threading.Lock()


def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    with turn:
        return moto(environ, start_response)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
