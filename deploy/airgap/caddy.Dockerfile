# Debian's Caddy with the command and the file capability of caddy:alpine, so that one compose file runs both.
ARG PYTHON_IMAGE=airgap/python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}
# The release of Debian is the pin: its archive keeps one version. Of busybox the health check needs nc.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends busybox caddy libcap2-bin \
 && setcap cap_net_bind_service=+ep /usr/bin/caddy \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /bin/busybox /usr/local/bin/nc
USER 65534:65534
EXPOSE 80 443
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
