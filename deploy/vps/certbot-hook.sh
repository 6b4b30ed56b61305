#!/bin/sh
# Pass each new certificate to the relay. certbot runs this from /etc/letsencrypt/renewal-hooks/deploy.
set -eu

FOLDER=/etc/chat-relay/tls
GROUP=chat-relay-tls

install -d -m 750 -g "$GROUP" "$FOLDER"
for name in fullchain privkey; do
  # Write a new file and rename it, so that the relay never reads an incomplete one.
  install -m 640 -g "$GROUP" "$RENEWED_LINEAGE/$name.pem" "$FOLDER/$name.new"
  mv -f "$FOLDER/$name.new" "$FOLDER/$name.pem"
done
if systemctl --quiet is-active chat-relay.service; then
  systemctl reload chat-relay.service
fi
