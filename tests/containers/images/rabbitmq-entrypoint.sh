#!/bin/sh
# What the official image does with RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS, as far as the tests need it.
set -eu
mkdir -p /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq
cat > /etc/rabbitmq/rabbitmq.conf <<END
default_user = ${RABBITMQ_DEFAULT_USER:-guest}
default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}
loopback_users = none
log.console = true
log.console.level = warning
log.file = false
END
chown -R rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
exec setpriv --reuid rabbitmq --regid rabbitmq --clear-groups /usr/lib/rabbitmq/bin/rabbitmq-server
