// @ts-check
/**
 * Fetches what the lanes that need peers test against: Debian packages where apt-get is; into .cache/ Apache ZooKeeper's newest 3.9
 * and 3.5, Curator and Kafka from Maven, kazoo with its tests from PyPI, and from npm clients and what drives a browser. Prints a line a peer; what cannot be
 * had is named with its reason and is no failure here.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const debian = [
  'zookeeper',
  'python3-kazoo',
  'python3-pure-sasl',
  'python3-pip',
  'python3-dev',
  'libzookeeper-mt-dev',
  'libcurator-framework-java',
  'libcurator-recipes-java',
  'libcurator-discovery-java',
  'golang-github-samuel-go-zookeeper-dev',
  'default-jdk-headless',
  'golang-go',
  'gcc',
  'maven',
  // A KDC, and what the package kerberos needs for a build where it has no binary.
  'krb5-kdc',
  'krb5-admin-server',
  'krb5-user',
  'libkrb5-dev',
  'g++',
  // The browser of the console's tests.
  'chromium',
]
/** The name of a command of the package, which may be installed without the package. */
const commands = new Map([
  ['default-jdk-headless', 'javac'],
  ['golang-go', 'go'],
  ['gcc', 'gcc'],
  ['maven', 'mvn'],
  ['g++', 'g++'],
  ['python3-pip', 'pip3'],
])

/** @param {string} command @param {readonly string[]} args */
const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8', cwd: root })
/** @param {string} name */
const has = (name) => run('sh', '-c', `command -v ${name}`).status === 0
/** @param {string} name */
const installed = (name) => {
  const command = commands.get(name)
  return command !== undefined && has(command)
    ? true
    : run('dpkg-query', '-W', '-f=${Status}', name).stdout?.includes('ok installed') === true
}

const missing = debian.filter((name) => !installed(name))
if (missing.length > 0 && has('apt-get')) {
  run('apt-get', 'update')
  run('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', ...missing)
}
for (const name of debian) {
  const why = has('apt-get') ? 'apt-get could not install it' : 'this machine has no apt-get'
  console.log(`${name}: ${installed(name) ? 'present' : `missing, because ${why}`}`)
}

/**
 * A package of npm's in a folder of its own: no dependency of the workspace, since only one lane needs it.
 * @param {string} name @param {string} version @param {string} sign a file below the package that is there when it is whole
 */
function fetchFromNpm(name, version, sign) {
  const target = `${root}.cache/${name}`
  if (existsSync(`${target}/node_modules/${name}/${sign}`)) return 'present'
  mkdirSync(target, { recursive: true })
  writeFileSync(`${target}/package.json`, '{ "private": true }\n')
  const got = run('npm', 'install', '--prefix', target, '--no-audit', '--no-fund', `${name}@${version}`)
  if (got.status === 0) return 'installed'
  rmSync(target, { recursive: true, force: true })
  return 'missing, because npm could not install or build it'
}

// It brings native code.
console.log(`kerberos: ${fetchFromNpm('kerberos', '7.0.0', 'build')}`)
// They drive the browser and check what it shows.
console.log(`playwright-core: ${fetchFromNpm('playwright-core', '1.65.1', 'index.js')}`)
console.log(`axe-core: ${fetchFromNpm('axe-core', '4.14.1', 'axe.min.js')}`)
console.log(`node-zookeeper-client: ${fetchFromNpm('node-zookeeper-client', '1.1.3', 'index.js')}`)

/** kazoo with its own tests, and what these import. */
function fetchKazoo() {
  const target = `${root}.cache/kazoo-suite`
  if (existsSync(`${target}/kazoo/tests`)) return 'present'
  const packages = ['kazoo==2.11.0', 'pytest==8.4.2', 'pytest-timeout==2.4.0', 'pure-sasl==0.6.2', 'objgraph==3.6.2']
  const besides = ['pyjks==20.0.0', 'pyOpenSSL==24.2.1', 'gevent==25.9.1', 'eventlet==0.40.3', 'setuptools==80.9.0']
  const got = run('python3', '-m', 'pip', 'install', '--quiet', '--target', target, ...packages, ...besides)
  if (got.status === 0 && existsSync(`${target}/kazoo/tests`)) return 'installed'
  rmSync(target, { recursive: true, force: true })
  return `missing, because ${got.status === 0 ? 'its release holds no tests' : got.stderr?.trim().split('\n').pop()}`
}
console.log(`kazoo with its tests: ${fetchKazoo()}`)

/** @typedef {readonly [group: string, artifact: string, version: string, without?: readonly string[]]} Artifact */

/**
 * Copies the jars of artifacts and their dependencies, except for the groups in `without`, into a new directory `target`.
 * @param {string} target @param {readonly Artifact[]} artifacts @returns {string | undefined} why not
 */
function fetchJars(target, artifacts) {
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const dependencies = artifacts.map(([group, artifact, version, without = []]) => {
    const exclusions = without.map(
      (each) => `<exclusion><groupId>${each}</groupId><artifactId>*</artifactId></exclusion>`,
    )
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><exclusions>${exclusions.join('')}</exclusions></dependency>`
  })
  writeFileSync(
    `${target}/pom.xml`,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>lightkeeper</groupId><artifactId>peers</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`,
  )
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`]
  const got = run('mvn', '-q', '-B', '-f', `${target}/pom.xml`, ...copy)
  if (got.status === 0) return undefined
  rmSync(target, { recursive: true, force: true })
  return (got.stdout + got.stderr).split('\n').find((each) => each.includes('ERROR')) ?? 'mvn failed'
}

/**
 * Fetches into .cache/apache-<line>; tries one version after the other, and takes the first that Maven has.
 * @param {string} line @param {readonly string[]} versions @param {readonly Artifact[]} besides
 */
function fetchApache(line, versions, besides) {
  const target = `${root}.cache/apache-${line}`
  if (existsSync(target) && readdirSync(target).some((jar) => jar.startsWith(`zookeeper-${line}.`))) return 'present'
  if (!has('mvn')) return 'missing, because there is no mvn'
  let reason
  for (const version of versions) {
    reason = fetchJars(target, [['org.apache.zookeeper', 'zookeeper', version], ...besides])
    if (reason === undefined) return `fetched ${version}`
  }
  return `missing, because ${reason}`
}

const newest = ['3.9.9', '3.9.8', '3.9.7', '3.9.6', '3.9.5', '3.9.4', '3.9.3']
// Jars that a server needs and its pom does not name.
const ofNewest = /** @type {const} */ ([
  ['io.dropwizard.metrics', 'metrics-core', '4.1.12.1'],
  ['org.xerial.snappy', 'snappy-java', '1.1.10.5'],
])
console.log(`Apache ZooKeeper 3.9: ${fetchApache('3.9', newest, ofNewest)}`)
// What its admin pages and its metrics need besides: it comes with them, and its pom does not name them.
const webJars = `${root}.cache/apache-3.9-admin`
if (existsSync(webJars)) console.log('web server of Apache ZooKeeper 3.9: present')
else if (!has('mvn')) console.log('web server of Apache ZooKeeper 3.9: missing, because there is no mvn')
else {
  const why = fetchJars(webJars, [
    ['org.eclipse.jetty', 'jetty-server', '9.4.58.v20250814'],
    ['org.eclipse.jetty', 'jetty-servlet', '9.4.58.v20250814'],
    ['com.fasterxml.jackson.core', 'jackson-databind', '2.15.2'],
    ['org.apache.zookeeper', 'zookeeper-prometheus-metrics', '3.9.4', ['org.apache.zookeeper']],
  ])
  console.log(`web server of Apache ZooKeeper 3.9: ${why === undefined ? 'fetched' : `missing, because ${why}`}`)
}
// The last line without persistent watches and other parts of 3.6; it has only the interface of a log.
const ofOldest = /** @type {const} */ ([['org.slf4j', 'slf4j-simple', '1.7.36']])
console.log(`Apache ZooKeeper 3.5: ${fetchApache('3.5', ['3.5.10', '3.5.9'], ofOldest)}`)

/**
 * The first of `versions` that Maven has whole, into .cache/<folder>; `sign` is what one of its jars is called.
 * @param {string} folder @param {string} sign @param {readonly string[]} versions @param {(version: string) => readonly Artifact[]} artifacts
 */
function fetchNewest(folder, sign, versions, artifacts) {
  const target = `${root}.cache/${folder}`
  if (existsSync(target) && readdirSync(target).some((jar) => jar.startsWith(sign))) return 'present'
  if (!has('mvn')) return 'missing, because there is no mvn'
  let reason
  for (const version of versions) {
    reason = fetchJars(target, artifacts(version))
    if (reason === undefined) return `fetched ${version}`
  }
  return `missing, because ${reason}`
}

const curator = fetchNewest('curator', 'curator-x-async-', ['5.9.0', '5.8.0', '5.7.1', '5.5.0'], (version) => [
  ['org.apache.curator', 'curator-recipes', version],
  ['org.apache.curator', 'curator-x-discovery', version],
  ['org.apache.curator', 'curator-x-async', version],
])
console.log(`Curator: ${curator}`)
// The last line whose brokers keep their metadata in ZooKeeper.
const kafka = fetchNewest('kafka', 'kafka_2.13-3.', ['3.9.2', '3.9.1', '3.9.0', '3.8.1', '3.7.2'], (version) => [
  ['org.apache.kafka', 'kafka_2.13', version],
])
console.log(`Kafka: ${kafka}`)

// Beside Debian's Curator: of Spring the one class that is its payload, of Dubbo its registry.
const discovery = /** @type {const} */ ([
  ['org.springframework.cloud', 'spring-cloud-zookeeper-discovery', '3.1.5', ['*']],
  ['org.apache.dubbo', 'dubbo', '3.2.16', ['io.netty', 'org.springframework', 'com.alibaba.spring']],
])
const target = `${root}.cache/discovery-peers`
const isThere = existsSync(target) && readdirSync(target).some((jar) => jar.startsWith('dubbo-'))
const reason = isThere ? undefined : has('mvn') ? fetchJars(target, discovery) : 'there is no mvn'
console.log(
  `Spring Cloud ZooKeeper and Dubbo: ${isThere ? 'present' : reason === undefined ? 'fetched' : `missing, because ${reason}`}`,
)
