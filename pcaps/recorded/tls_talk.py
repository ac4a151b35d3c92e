"""Two ends that speak SIP over TLS, for the recording: one short answered call, keys logged as Wireshark wants them."""

from __future__ import annotations

import socket
import ssl
import sys
import threading

from pcaps.make import talk

SCRIPT = """
0   A>P INVITE call=tls
0.1 P>A 100 call=tls
0.2 P>A 180 call=tls
0.3 P>A 200 call=tls
0.4 A>P ACK call=tls ttag=callee branch=z9hG4bKtlsack
0.5 A>P BYE call=tls
0.6 P>A 200 call=tls method=BYE cseq=2
"""


def main(server: str, client: str, certificate: str, keys: str) -> None:
    """Play the script between the two addresses."""
    hosts = {"A": client, "P": server}
    said = talk.lines(SCRIPT)
    answer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    answer.load_cert_chain(certificate)
    answer.keylog_filename = keys
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    listener = socket.create_server((server, 5061))

    def serve() -> None:
        with answer.wrap_socket(listener.accept()[0], server_side=True) as connection:
            play("P", connection)

    def play(who: str, connection: ssl.SSLSocket) -> None:
        for line in said:
            if line.source == who:
                connection.sendall(talk.message(line, hosts, {}, 5061, "TLS"))
            else:
                connection.recv(65536)

    thread = threading.Thread(target=serve)
    thread.start()
    with asking.wrap_socket(socket.create_connection((server, 5061), source_address=(client, 0))) as connection:
        play("A", connection)
        thread.join()
    listener.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
