#!/bin/sh
# Stands where a suite expects Apache's script: `zkServer.sh start-foreground FILE` starts our server.
here=$(dirname "$(readlink -f "$0")")
file=$2
shift 2
for each in $SERVER_JVMFLAGS; do
  case $each in -Dzookeeper.*) set -- "$@" --set "${each#-Dzookeeper.}" ;; esac
done
exec node "$here/../../../../packages/cli/bin/lightkeeper.js" server "$file" "$@"
