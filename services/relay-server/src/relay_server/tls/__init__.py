"""TLS: the certificate, from its files to the one in use, and what is counted; `net.tls` moves the bytes."""
