#!/bin/sh
# Stands where a suite expects Apache's script: `zkServer.sh start-foreground FILE` starts our server, which reads SERVER_JVMFLAGS.
here=$(dirname "$(readlink -f "$0")")
exec node "$here/../../../../packages/cli/bin/lightkeeper.js" server "$2"
