#!/bin/sh
# Starts the broker as RabbitMQ's image does: configuration from /etc/rabbitmq and from RABBITMQ_* variables.
# Any other command than rabbitmq-server is run as it is.
set -eu

case ${1:-} in -*) set -- rabbitmq-server "$@" ;; esac
[ "${1:-rabbitmq-server}" = rabbitmq-server ] || exec "$@"
shift $(($# > 0))

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$LEVERET_DATA_DIR"
  chown rabbitmq:rabbitmq /var/lib/rabbitmq
  chown -R rabbitmq:rabbitmq "$LEVERET_DATA_DIR"
  exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" rabbitmq-server "$@"
fi

# The folder of this image: what the variables mean, in the words of rabbitmq.conf.
environment=/usr/share/leveret/environment

# A variable's value may stand in a file instead, as secrets do.
take_from_file() {
  eval "file=\${$1_FILE:-}"
  [ -n "$file" ] || return 0
  content=$(cat "$file")
  export "$1=$content"
}

given=$#
configuration=${RABBITMQ_CONFIG_FILE:-/etc/rabbitmq/rabbitmq}
for file in "$configuration" "$configuration.conf"; do
  [ ! -f "$file" ] || set -- "$@" --config "$file"
done
folder=${RABBITMQ_CONFIG_FILES:-/etc/rabbitmq/conf.d}
[ ! -d "$folder" ] || set -- "$@" --config "$folder"
for variable in RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS RABBITMQ_DEFAULT_VHOST; do
  take_from_file "$variable"
  eval "value=\${$variable:-}"
  [ -z "$value" ] || set -- "$@" --config "$environment/$variable.conf"
done
[ -z "${RABBITMQ_NODENAME:-}" ] || set -- "$@" --node-name "$RABBITMQ_NODENAME"
[ -z "${RABBITMQ_NODE_PORT:-}" ] || set -- "$@" --amqp-port "$RABBITMQ_NODE_PORT"
# What was said to the container comes last, and counts.
while [ "$given" -gt 0 ]; do
  word=$1
  shift
  set -- "$@" "$word"
  given=$((given - 1))
done

plugins=${RABBITMQ_ENABLED_PLUGINS_FILE:-/etc/rabbitmq/enabled_plugins}
if [ -f "$plugins" ]; then
  for plugin in $(sed 's/%.*//' "$plugins" | tr -c 'a-z0-9_' ' '); do
    rabbitmq-plugins -q is_enabled "$plugin" >/dev/null 2>&1 || echo "$plugins: $plugin is not there" >&2
  done
fi
for variable in RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS RABBITMQ_SERVER_ERL_ARGS RABBITMQ_ADVANCED_CONFIG_FILE; do
  eval "value=\${$variable:-}"
  [ -z "$value" ] || echo "$variable has no effect: there is no Erlang here" >&2
done

exec leveret server "$@"
