/** `lightkeeper server`: a server in the foreground. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { stderrLog } from '@lightkeeper/runtime/node'
import { type Command, UsageError } from '../command.ts'

const usage = `usage: lightkeeper server [zoo.cfg] [options]

Runs a ZooKeeper server in the foreground until SIGTERM or SIGINT.

  --port N          port for clients, 0 for a free one (default: clientPort of zoo.cfg, else 2181)
  --host A          address to listen on (default: clientPortAddress of zoo.cfg, else 127.0.0.1)
  --data-dir D      directory for data, in Apache ZooKeeper's layout; one process at a time
                    (default: dataDir of zoo.cfg, else data is kept in memory only)
  --in-memory       keep data in memory only, whatever else is said
  --accept-loss     start although acknowledged transactions are missing or damaged, without them;
                    damaged files are kept, renamed
  --set key=value   any key of zoo.cfg; may be repeated
  --verbose         log every connection

The first line on standard output once clients are accepted is: lightkeeper listening on HOST:PORT
`

export const serverCommand: Command = {
  name: 'server',
  summary: 'run a server in the foreground',
  usage,
  async run(args) {
    const { optionsOf, parseZooCfg, startServer } = await import('@lightkeeper/server')
    const { values, positionals } = parse(args)
    if (positionals.length > 1) throw new UsageError(`one zoo.cfg at the most, got ${positionals.join(' ')}`)
    const log = stderrLog(values.verbose ? 'debug' : 'info')

    const [file] = positionals
    const fromFile = file === undefined ? undefined : parseZooCfg(await readConfig(file))
    const pairs = (values.set ?? []).map((pair): [string, string] => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`--set wants key=value, got "${pair}"`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    })
    const fromFlags = optionsOf(pairs)
    for (const key of [...(fromFile?.ignored ?? []), ...fromFlags.ignored]) {
      log('warn', 'setting has no effect on this server', { key })
    }
    const options = {
      ...fromFile?.options,
      ...fromFlags.options,
      ...(values.port === undefined ? {} : { clientPort: portNumber(values.port) }),
      ...(values.host === undefined ? {} : { clientPortAddress: values.host }),
      ...(values['data-dir'] === undefined ? {} : { dataDir: values['data-dir'] }),
      ...(values['in-memory'] ? { dataDir: undefined, dataLogDir: undefined } : {}),
      ...(values['accept-loss'] ? { acceptLoss: true } : {}),
    }
    const server = await startServer(options, { log })
    process.stdout.write(`lightkeeper listening on ${server.connectString}\n`)
    const { dataDir, forceSync } = server.config
    if (dataDir === undefined)
      log('warn', 'DATA IS KEPT IN MEMORY ONLY and goes with this process; --data-dir keeps it')
    else if (!forceSync) log('warn', 'FORCESYNC IS OFF: a power cut loses writes that were acknowledged', { dataDir })
    const stop = (): void => void server.close()
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    const failure = await server.stopped
    if (failure !== undefined) throw failure
    if (server.logFailure !== undefined) throw new Error(`the transaction log failed: ${server.logFailure.message}`)
    return 0
  },
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        'data-dir': { type: 'string' },
        'in-memory': { type: 'boolean' },
        'accept-loss': { type: 'boolean' },
        set: { type: 'string', multiple: true },
        verbose: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; see lightkeeper server --help`)
  }
}

function portNumber(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65535) throw new UsageError(`--port wants 0 to 65535, got "${text}"`)
  return Number(text)
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`)
  }
}
