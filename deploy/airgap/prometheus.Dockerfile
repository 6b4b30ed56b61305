# Debian's Prometheus under the paths, user and entry point of prom/prometheus, so that one compose file runs both.
ARG PYTHON_IMAGE=airgap/python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}
# The release of Debian is the pin: its archive keeps one version.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends prometheus \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=65534 --group=65534 /prometheus
USER 65534:65534
WORKDIR /prometheus
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
