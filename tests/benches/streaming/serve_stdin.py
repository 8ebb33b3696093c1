"""Gives its standard input to whoever asks first over HTTP, with as little ado as a web server can, and ends."""

import os
import socket
import sys

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n"

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    connection, _ = listener.accept()
with connection:
    connection.recv(1 << 16)
    connection.sendall(HEAD)
    while chunk := os.read(0, 1 << 18):
        connection.sendall(chunk)
