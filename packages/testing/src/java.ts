/**
 * Java programs with the classes of ZooKeeper and Curator, from the jars of Debian's packages, to compare our behaviour with
 * theirs. This is host code on purpose: it runs a compiler.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { debianJars } from './apache/installation.ts'

const jars = [
  'zookeeper',
  'zookeeper-jute',
  'curator-client',
  'curator-framework',
  'curator-recipes',
  'curator-x-discovery',
  'jackson-core',
  'jackson-annotations',
  'jackson-databind',
  'slf4j-api',
  // Debian's netty-all is a list of these.
  ...['netty-all', 'netty-buffer', 'netty-codec', 'netty-common', 'netty-handler', 'netty-resolver', 'netty-transport'],
  'netty-transport-native-unix-common',
  'guava',
  'failureaccess',
  'commons-cli',
  'jline',
  'log4j-over-slf4j',
]

const jarOf = (name: string): string => `${debianJars}/${name}.jar`

/** `classes` is the folder of the compiled program; `more` are jars in addition to Debian's. */
export function javaClassPath(classes: string, more: readonly string[] = []): string {
  return [classes, ...jars.map(jarOf).filter((jar) => existsSync(jar)), ...more].join(':')
}

/** Undefined if programs can be compiled with the jars of these names, otherwise what is missing. */
export function javaMissing(needs: readonly string[]): string | undefined {
  if (spawnSync('javac', ['-version']).status !== 0) return 'there is no javac'
  const lacking = needs.find((name) => !existsSync(jarOf(name)))
  return lacking && `the Debian package with ${lacking}.jar is not installed`
}

/** Compiles `sources` into the first folder of `classPath`. Resolves to undefined, or to the compiler's output after an error. */
export function compileJava(classPath: string, sources: readonly string[]): string | undefined {
  const [classes = ''] = classPath.split(':')
  mkdirSync(classes, { recursive: true })
  const built = spawnSync('javac', ['-nowarn', '-d', classes, '-cp', classPath, ...sources], { encoding: 'utf8' })
  return built.status === 0 ? undefined : `javac failed: ${built.stderr.slice(-600)}`
}
