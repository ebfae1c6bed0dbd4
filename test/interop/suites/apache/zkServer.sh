#!/bin/sh
# Stands where a suite expects the script of an unpacked archive; CLASSPATH names the jars.
exec java -XX:TieredStopAtLevel=1 -Xmx256m $SERVER_JVMFLAGS org.apache.zookeeper.server.quorum.QuorumPeerMain "$2"
