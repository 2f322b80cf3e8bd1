#!/usr/bin/env bash
# Real Kafka brokers for the tests: one node that is its own controller (KRaft), or three, on loopback, no Docker.
#
#   broker.sh jars JARS                      fetch the broker's jars with Maven into JARS, once
#   broker.sh certificates TLS               make a certificate authority with a key for the broker and one for
#                                            a client in TLS, once
#   broker.sh serve JARS TLS DIR PORT OWNER  run it with data in DIR until process OWNER is gone, then
#                                            delete DIR;
#                                            a broker that dies meanwhile is started again
#   broker.sh cluster JARS DIR PORT OWNER    run three until process OWNER is gone, with process ids in
#                                            DIR/pid1 to DIR/pid3; one that dies stays dead; they listen on
#                                            PORT, PORT+2 and PORT+4
#
# The one listens on PORT without any security, on PORT+2 with SASL, on PORT+3 with SASL over TLS, on PORT+4 with
# TLS that asks the client for a certificate, and on PORT+5 for whoever comes by the proxy that a test may run on
# PORT+6; PORT+1 is the controller's. SASL takes PLAIN and SCRAM-SHA-512 with
# the user and passwords below, and OAUTHBEARER with unsigned tokens. The broker's process id is in DIR/pid, so
# that a test can kill it. Needs Java 17 and, for jars, Maven.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

jars() {
  local into=$1
  [ -e "$into/complete" ] && return
  mkdir -p "$into"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$into" >&2
  touch "$into/complete"
}

# Of every key store; the keys protect nothing.
store=goshawk-tests

certificates() {
  local into=$1 name
  [ -e "$into/complete" ] && return
  rm -rf "$into"
  mkdir -p "$into"
  cd "$into"
  # keytool comes with Java; its certificates hold longer than this checkout.
  key() { keytool -storetype PKCS12 -storepass "$store" -noprompt "$@" 2>/dev/null; }
  for name in ca stranger; do
    key -genkeypair -keystore "$name.p12" -alias "$name" -keyalg EC -groupname secp256r1 \
      -dname "CN=goshawk test $name" -ext bc:critical=ca:true -validity 3650
    key -exportcert -rfc -keystore "$name.p12" -alias "$name" > "$name.pem"
  done
  key -importcert -keystore trust.p12 -alias ca -file ca.pem
  for name in broker client; do
    key -genkeypair -keystore "$name.p12" -alias "$name" -keyalg EC -groupname secp256r1 -dname "CN=$name" \
      -validity 3650
    key -certreq -keystore "$name.p12" -alias "$name" \
      | key -gencert -rfc -keystore ca.p12 -alias ca -ext san=ip:127.0.0.1 -validity 3650 > "$name.pem"
    key -importcert -keystore "$name.p12" -alias ca -file ca.pem
    key -importcert -keystore "$name.p12" -alias "$name" -file "$name.pem"
  done
  touch complete
}

# A broker's folder, and how it logs.
make_folder() {
  local dir=$1
  mkdir -p "$dir"
  cat > "$dir/log4j2.properties" <<LOG
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = Console
appender.file.name = file
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c %m%n
LOG
}

configure() {
  local tls=$1 dir=$2 port=$3 listener
  make_folder "$dir"
  cat > "$dir/broker.properties" <<PROPERTIES
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),SASL://127.0.0.1:$((port + 2)),\
SASLTLS://127.0.0.1:$((port + 3)),TLS://127.0.0.1:$((port + 4)),PROXIED://127.0.0.1:$((port + 5))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL://127.0.0.1:$((port + 2)),\
SASLTLS://127.0.0.1:$((port + 3)),TLS://127.0.0.1:$((port + 4)),PROXIED://127.0.0.1:$((port + 6))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,\
SASLTLS:SASL_SSL,TLS:SSL,PROXIED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PKCS12
ssl.keystore.location=$tls/broker.p12
ssl.keystore.password=$store
ssl.key.password=$store
ssl.truststore.type=PKCS12
ssl.truststore.location=$tls/trust.p12
ssl.truststore.password=$store
listener.name.tls.ssl.client.auth=required
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
# Tests that kill many times wait for a session each time.
group.min.session.timeout.ms=500
# A killed broker may register again soon.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
PROPERTIES
  local modules=org.apache.kafka.common.security
  for listener in sasl sasltls; do
    cat >> "$dir/broker.properties" <<PROPERTIES
listener.name.$listener.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required \
  user_goshawk="plain secret";
listener.name.$listener.scram-sha-512.sasl.jaas.config=$modules.scram.ScramLoginModule required;
listener.name.$listener.oauthbearer.sasl.jaas.config=$modules.oauthbearer.OAuthBearerLoginModule required \
  unsecuredLoginStringClaim_sub="broker";
# A connection ends with its token, unless a newer one has been shown.
listener.name.$listener.oauthbearer.connections.max.reauth.ms=3600000
PROPERTIES
  done
}

java_with() {
  local jars=$1 dir=$2
  shift 2
  exec java -Xms128m -Xmx512m -XX:+UseSerialGC -cp "$jars/*" \
    "-Dlog4j2.configurationFile=$dir/log4j2.properties" "$@"
}

serve() {
  local jars=$1 tls=$2 dir=$3 port=$4 owner=$5 broker=
  configure "$tls" "$dir" "$port"
  if [ ! -e "$dir/data/meta.properties" ]; then
    (java_with "$jars" "$dir" kafka.tools.StorageTool format -t goshawkTestCluster0001 \
      --add-scram 'SCRAM-SHA-512=[name=goshawk,password=scram secret]' \
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

# One of three.
configure_member() {
  local dir=$1 port=$2 node=$3
  local own=$((port + 2 * (node - 1)))
  make_folder "$dir"
  cat > "$dir/broker.properties" <<PROPERTIES
node.id=$node
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:$((port + 1)),2@127.0.0.1:$((port + 3)),3@127.0.0.1:$((port + 5))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$own,CONTROLLER://127.0.0.1:$((own + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$own
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
log.retention.ms=-1
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=5000
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
PROPERTIES
}

cluster() {
  local jars=$1 dir=$2 port=$3 owner=$4 node pids=()
  trap 'kill -9 "${pids[@]}" 2>/dev/null; rm -rf "$dir"; exit 0' TERM INT
  for node in 1 2 3; do
    configure_member "$dir/$node" "$port" "$node"
    (java_with "$jars" "$dir/$node" kafka.tools.StorageTool format -t goshawkTestCluster0003 \
      -c "$dir/$node/broker.properties") > "$dir/$node/format.log" 2>&1
    (java_with "$jars" "$dir/$node" kafka.Kafka "$dir/$node/broker.properties") > "$dir/$node/broker.log" 2>&1 &
    pids+=("$!")
    echo "$!" > "$dir/pid$node"
  done
  while kill -0 "$owner" 2>/dev/null; do sleep 0.3; done
  kill -9 "${pids[@]}" 2>/dev/null || true
  rm -rf "$dir"
}

case "${1:-}" in
  jars) jars "$2" ;;
  certificates) certificates "$2" ;;
  serve) serve "$2" "$3" "$4" "$5" "$6" ;;
  cluster) cluster "$2" "$3" "$4" "$5" ;;
  *) sed -n '2,21p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
