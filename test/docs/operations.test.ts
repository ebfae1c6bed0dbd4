/**
 * The pages of docs/operations, tried as a new operator would: the blocks of shell of a page run one after the other, in an empty
 * directory, with `lightkeeper` on their path. Ports 2181 and 8080 become free ones, and so does the default port.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@lightkeeper/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { Child } from '../support/process.ts'
import { blocksOf } from '../support/snippets.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = join(root, 'docs/operations')

interface Page {
  /** What its blocks print, as the page says. */
  readonly prints: RegExp
  /** A script that runs first, for what the page expects its reader to have. */
  readonly given?: string
  /** What stands in the place of names of the reader's machine. */
  readonly names?: Readonly<Record<string, string>>
  /** A command before the last one of a block fails, as the page says. */
  readonly fails?: true
}

const jaas = 'Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="b"; };'
const sampleFile = (more: string): string =>
  `printf '%s\\n' dataDir=data clientPort=2181 clientPortAddress=127.0.0.1 ${more} > zoo.cfg`
const started = `lightkeeper-behind server zoo.cfg > server.out 2> server.log &
echo $! > server.pid
until grep -q listening server.out; do sleep 0.1; done`

/**
 * A server in the foreground, as some pages show it, ends when it has said that it listens: `lightkeeper` is a script here that sees to
 * that. A page that starts servers behind itself does the rest by itself.
 */
const runs: Readonly<Record<string, Page>> = {
  'running.md': { prints: /INFO the server listens address=127\.0\.0\.1:\d+/ },
  'logs.md': {
    prints: /INFO audit: session=0x[0-9a-f]+\tuser=127\.0\.0\.1\tip=127\.0\.0\.1\toperation=create\tznode=\/leader/,
  },
  'upgrading.md': { prints: /dataDir/ },
  'ensemble.md': { prints: /^zk1\.pem: OK\nzk2\.pem: OK\nzk3\.pem: OK\n$/ },
  'backup.md': { prints: /INFO the data directory is recovered/ },
  'configuration.md': { given: sampleFile(''), prints: /clientPort +\d+ +.*zoo\.cfg:2/ },
  'security.md': {
    given: `${sampleFile('authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider')}\necho '${jaas}' > jaas.conf`,
    names: { '/etc/zookeeper/': '' },
    prints: /(lightkeeper listening on[^]*){2}/,
  },
  'monitoring.md': {
    given: `${sampleFile("admin.serverPort=8080 'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4='")}\n${started}`,
    prints: /"last_zxid" : /,
  },
  // A byte in the middle of the log of a killed server is changed: what it acknowledged is lost.
  'data.md': {
    given: `lightkeeper-behind server --data-dir D --port 2181 > server.out 2> server.log &
echo $! > server.pid
until grep -q listening server.out; do sleep 0.1; done
lightkeeper create -s 127.0.0.1:2181 /app text
kill -KILL "$(cat server.pid)"
printf X | dd of=D/version-2/log.1 bs=1 seek=200 conv=notrunc 2> dd.log`,
    names: { '/backups/': '' },
    fails: true,
    prints: /DAMAGED D.version-2.log\.1 at offset [^]*continuing without transactions [^]*everything up to 0x/,
  },
}
/** Less than what a test may take, so that the log of the server is shown. */
const longestMs = 50_000
const folder = temporaryFolders('operations')
const begun: string[] = []
afterEach(() => {
  // A page leaves its last server behind, and so does a block that failed; its id is in the file that the page makes.
  for (const file of begun.splice(0)) {
    if (existsSync(file)) spawnSync('kill', ['-KILL', readFileSync(file, 'utf8').trim()])
  }
})

/**
 * A folder with two commands: `lightkeeper`, which ends a server in the foreground when it listens, and the program itself. `port` is for
 * servers whose command and file name none.
 */
function commands(port: number): string {
  const bin = folder()
  const program = join(root, 'node_modules/.bin/lightkeeper')
  const script = `#!/bin/sh
case "$1 $*" in
  server*--check*) exec ${program} "$@" ;;
  server*) ;;
  *) exec ${program} "$@" ;;
esac
case " $* " in
  *" --port "* | *.cfg*) ;;
  *) set -- "$@" --port ${port} ;;
esac
if [ -n "$IS_BEHIND" ]; then exec ${program} "$@"; fi
said=$(mktemp)
${program} "$@" > "$said" 2>&1 &
server=$!
until grep -q 'the server listens' "$said" || ! kill -0 $server 2> /dev/null; do sleep 0.05; done
kill -TERM $server 2> /dev/null
wait $server
code=$?
cat "$said"
rm "$said"
exit $code
`
  writeFileSync(join(bin, 'lightkeeper'), script, { mode: 0o755 })
  writeFileSync(join(bin, 'lightkeeper-behind'), `#!/bin/sh\nexec ${program} "$@"\n`, { mode: 0o755 })
  return bin
}

describe('the pages of docs/operations', () => {
  test.each(Object.entries(runs))(
    'the commands of %s do what the page says',
    async (page, { given, names = {}, fails, prints }) => {
      const ports = await freePorts(3)
      const [bin, cwd] = [commands(ports[2] as number), folder()]
      begun.push(join(cwd, 'server.pid'))
      const here = (script: string): string => {
        let text = script.replaceAll(/2181|8080/g, (port) => `${ports[port === '2181' ? 0 : 1]}`)
        for (const [name, own] of Object.entries(names)) text = text.replaceAll(name, own)
        return text
      }
      let output = ''
      for (const script of [...(given === undefined ? [] : [given]), ...blocksOf(join(pages, page), 'sh')].map(here)) {
        const isBehind = /^ *lightkeeper server .*&/m.test(script) ? 'yes' : ''
        const env = { PATH: `${bin}:${process.env['PATH']}`, IS_BEHIND: isBehind }
        const shell = new Child(['sh', ...(fails ? [] : ['-e']), '-c', script], { env, cwd, timeoutMs: longestMs })
        const { code, output: said, errors } = await shell.closed
        output += said
        // A script waits for ever for a server that has ended.
        const log = join(cwd, 'server.log')
        expect(code, `${script}\n${said}${errors}${existsSync(log) ? readFileSync(log, 'utf8') : ''}`).toBe(0)
      }
      expect(output).toMatch(prints)
    },
  )

  test('are all run', () => {
    const withCommands = readdirSync(pages).filter(
      (name) => name.endsWith('.md') && blocksOf(join(pages, name), 'sh').length > 0,
    )
    expect(withCommands.sort()).toEqual(Object.keys(runs).sort())
  })

  test('are all in the index, and the index names nothing else', () => {
    const named = [...readFileSync(join(pages, 'README.md'), 'utf8').matchAll(/\]\(([a-z-]+\.md)\)/g)].map(
      ([, name]) => name,
    )
    const there = readdirSync(pages).filter((name) => name.endsWith('.md') && name !== 'README.md')
    expect([...new Set(named)].sort()).toEqual(there.sort())
  })
})
