#!/usr/bin/env bash
# A real Kafka broker for the tests: one node that is its own controller (KRaft), on loopback, no Docker.
#
#   broker.sh jars JARS                      fetch the broker's jars with Maven into JARS, once
#   broker.sh serve JARS DIR PORT OWNER      run it with data in DIR until process OWNER is gone, then
#                                            delete DIR;
#                                            a broker that dies meanwhile is started again
#
# The broker's process id is in DIR/pid, so that a test can kill it. Needs Java 17 and, for jars, Maven.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

jars() {
  local into=$1
  [ -e "$into/complete" ] && return
  mkdir -p "$into"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$into" >&2
  touch "$into/complete"
}

configure() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  cat > "$dir/log4j2.properties" <<LOG
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = Console
appender.file.name = file
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c %m%n
LOG
  cat > "$dir/broker.properties" <<PROPERTIES
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
# As in most banks: a topic that is not there is an error.
auto.create.topics.enable=false
# Record times of tests lie in the past: deletion by age would take the records away.
log.retention.ms=-1
# One node holds everything.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
# A killed broker may register again soon.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
PROPERTIES
}

java_with() {
  local jars=$1 dir=$2
  shift 2
  exec java -Xms128m -Xmx512m -XX:+UseSerialGC -cp "$jars/*" \
    "-Dlog4j2.configurationFile=$dir/log4j2.properties" "$@"
}

serve() {
  local jars=$1 dir=$2 port=$3 owner=$4 broker=
  configure "$dir" "$port"
  if [ ! -e "$dir/data/meta.properties" ]; then
    (java_with "$jars" "$dir" kafka.tools.StorageTool format -t goshawkTestCluster0001 \
      -c "$dir/broker.properties") > "$dir/format.log" 2>&1
  fi
  trap 'kill -9 "$broker" 2>/dev/null; exit 0' TERM INT
  while kill -0 "$owner" 2>/dev/null; do
    if [ -z "$broker" ] || ! kill -0 "$broker" 2>/dev/null; then
      (java_with "$jars" "$dir" kafka.Kafka "$dir/broker.properties") >> "$dir/broker.log" 2>&1 &
      broker=$!
      echo "$broker" > "$dir/pid"
    fi
    sleep 0.3
  done
  kill -9 "$broker" 2>/dev/null || true
  wait "$broker" 2>/dev/null || true
  rm -rf "$dir"
}

case "${1:-}" in
  jars) jars "$2" ;;
  serve) serve "$2" "$3" "$4" "$5" ;;
  *) sed -n '2,10p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
