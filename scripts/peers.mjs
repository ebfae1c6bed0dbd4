// @ts-check
/**
 * Fetches what the lanes that need peers test against: Debian packages where apt-get is, Apache ZooKeeper's newest 3.9 and 3.5
 * from Maven into .cache/. Prints a line a peer; what cannot be had is named with its reason and is no failure here.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const debian = [
  'zookeeper',
  'python3-kazoo',
  'libzookeeper-mt-dev',
  'libcurator-framework-java',
  'libcurator-recipes-java',
  'libcurator-discovery-java',
  'golang-github-samuel-go-zookeeper-dev',
  'default-jdk-headless',
  'golang-go',
  'gcc',
  'maven',
  // A KDC, and what the package kerberos is built with where it brings no binary.
  'krb5-kdc',
  'krb5-admin-server',
  'krb5-user',
  'libkrb5-dev',
  'g++',
]
/** What a command of the package's is called, where it may be installed by other means than the package. */
const commands = new Map([
  ['default-jdk-headless', 'javac'],
  ['golang-go', 'go'],
  ['gcc', 'gcc'],
  ['maven', 'mvn'],
  ['g++', 'g++'],
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

// Not a dependency of the workspace: it brings native code, which only the lane of Kerberos needs.
const kerberos = `${root}.cache/kerberos`
if (existsSync(`${kerberos}/node_modules/kerberos/build`)) console.log('kerberos: present')
else {
  mkdirSync(kerberos, { recursive: true })
  writeFileSync(`${kerberos}/package.json`, '{ "private": true }\n')
  const got = run('npm', 'install', '--prefix', kerberos, '--no-audit', '--no-fund', 'kerberos@7.0.0')
  console.log(got.status === 0 ? 'kerberos: installed' : 'kerberos: missing, because npm could not install or build it')
  if (got.status !== 0) rmSync(kerberos, { recursive: true, force: true })
}

/**
 * Into .cache/apache-<line>; a version is tried after the other, and the first that Maven has is taken.
 * @param {string} line @param {readonly string[]} versions
 * @param {readonly (readonly [group: string, artifact: string, version: string])[]} besides
 */
function fetchApache(line, versions, besides) {
  const target = `${root}.cache/apache-${line}`
  if (existsSync(target) && readdirSync(target).some((jar) => jar.startsWith(`zookeeper-${line}.`))) return 'present'
  if (!has('mvn')) return 'missing, because there is no mvn'
  let reason = ''
  for (const version of versions) {
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { recursive: true })
    const dependencies = [['org.apache.zookeeper', 'zookeeper', version], ...besides].map(
      ([group, artifact, of]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>`,
    )
    writeFileSync(
      `${target}/pom.xml`,
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>lightkeeper</groupId><artifactId>peers</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`,
    )
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`]
    const got = run('mvn', '-q', '-B', '-f', `${target}/pom.xml`, ...copy)
    if (got.status === 0) return `fetched ${version}`
    reason = (got.stdout + got.stderr).split('\n').find((each) => each.includes('ERROR')) ?? 'mvn failed'
    rmSync(target, { recursive: true, force: true })
  }
  return `missing, because ${reason}`
}

const newest = ['3.9.9', '3.9.8', '3.9.7', '3.9.6', '3.9.5', '3.9.4', '3.9.3']
// What its pom leaves to whoever runs a server.
const ofNewest = /** @type {const} */ ([
  ['io.dropwizard.metrics', 'metrics-core', '4.1.12.1'],
  ['org.xerial.snappy', 'snappy-java', '1.1.10.5'],
])
console.log(`Apache ZooKeeper 3.9: ${fetchApache('3.9', newest, ofNewest)}`)
// The last line without persistent watches and what else came with 3.6; of a log it has the interface alone.
const ofOldest = /** @type {const} */ ([['org.slf4j', 'slf4j-simple', '1.7.36']])
console.log(`Apache ZooKeeper 3.5: ${fetchApache('3.5', ['3.5.10', '3.5.9'], ofOldest)}`)
