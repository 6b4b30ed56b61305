# Debian's NATS server under the command of nats:alpine, so that one compose file runs both.
ARG PYTHON_IMAGE=airgap/python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}
# The release of Debian is the pin: its archive keeps one version. Of busybox the health check needs nc.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends busybox nats-server \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /bin/busybox /usr/local/bin/nc \
 && ln -s /usr/sbin/nats-server /usr/local/bin/nats-server
USER 65534:65534
EXPOSE 4222
CMD ["nats-server"]
