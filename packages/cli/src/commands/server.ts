/** `lightkeeper server`: a server in the foreground. */
import { stderrLog } from '@lightkeeper/runtime/node'
import { parseAll } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { say } from '../output.ts'
import { serverSettings } from '../server-settings.ts'
import { StopSignals } from '../stop-signals.ts'

const usage = `usage: lightkeeper server [zoo.cfg] [options]

Runs a ZooKeeper server in the foreground until SIGTERM or SIGINT.

  --port N          port for clients, 0 for a free one (default: clientPort of zoo.cfg, else 2181)
  --host A          address to listen on (default: clientPortAddress of zoo.cfg, else 127.0.0.1)
  --data-dir D      directory for data, in Apache ZooKeeper's layout; one process at a time
                    (default: dataDir of zoo.cfg, else data is kept in memory only)
  --in-memory       keep data in memory only; overrides all other settings
  --accept-loss     start although acknowledged transactions are missing or damaged, without them;
                    damaged files are kept, renamed
  --set key=value   any key of zoo.cfg; may be repeated
  --verbose         log every connection

The first line on standard output once clients are accepted is: lightkeeper listening on HOST:PORT
What it does is logged on standard error. Neither needs a reader.

Exit code: 0 when SIGTERM or SIGINT ended it, 1 when it could not start or its log had failed, 2 for wrong usage; 143 or 130 when a
second SIGTERM or SIGINT came while it was stopping.
`

export const serverCommand: Command = {
  name: 'server',
  summary: 'run a server in the foreground',
  usage,
  async run(args) {
    const signals = new StopSignals()
    const { startServer } = await import('@lightkeeper/server')
    const { values, positionals } = parseAll('server', args, optionTypes)
    if (positionals.length > 1) throw new UsageError(`one zoo.cfg at the most, got ${positionals.join(' ')}`)
    const log = stderrLog(values.verbose ? 'debug' : 'info')

    const { options, warnings } = await serverSettings(positionals[0], values)
    for (const { message, facts } of warnings) log('warn', message, facts)
    const server = await startServer(options, { log })
    signals.serving((signal) => {
      log('info', 'the server stops because of a signal', { signal })
      server.close().catch((error: Error) => log('error', 'an error while stopping', { cause: error.message }))
    })
    say(`lightkeeper listening on ${server.connectString}\n`)
    const { dataDir, forceSync } = server.config
    if (dataDir === undefined)
      log('warn', 'DATA IS KEPT IN MEMORY ONLY and goes with this process; --data-dir keeps it')
    else if (!forceSync) log('warn', 'FORCESYNC IS OFF: a power cut loses writes that were acknowledged', { dataDir })
    const failure = await server.stopped
    if (failure !== undefined) throw failure
    if (server.logFailure !== undefined) throw new Error(`the transaction log failed: ${server.logFailure.message}`)
    return 0
  },
}

const optionTypes = {
  port: { type: 'string' },
  host: { type: 'string' },
  'data-dir': { type: 'string' },
  'in-memory': { type: 'boolean' },
  'accept-loss': { type: 'boolean' },
  set: { type: 'string', multiple: true },
  verbose: { type: 'boolean' },
} as const
