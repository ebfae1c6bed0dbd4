/** `lightkeeper server`: a server in the foreground. */
import type { Log } from '@lightkeeper/runtime'
import { parseAll } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { endProcess } from '../end-process.ts'
import { logFormatOf, logSink } from '../log-sink.ts'
import { jsonLine, say } from '../output.ts'
import { type ServerFlags, type ServerSettings, serverSettings } from '../server-settings.ts'
import { StopSignals } from '../stop-signals.ts'
import { isZkServer, zkServer } from '../zk-server.ts'

const usage = `usage: lightkeeper server [zoo.cfg] [options]
       lightkeeper server PORT DATA_DIR [TICK_TIME [MAX_CLIENT_CNXNS]] [options]
       lightkeeper server [--config DIR] start-foreground [zoo.cfg] [options]

Runs a ZooKeeper server in the foreground until SIGTERM or SIGINT. The third form takes the place of zkServer.sh: it finds the file
where zkServer.sh does, in DIR, $ZOOCFGDIR, conf or /etc/zookeeper, and runs zookeeper-env.sh and java.env there.

  --port N          port for clients, 0 for a free one (default: clientPort of zoo.cfg, else 2181)
  --host A          address to listen on (default: clientPortAddress of zoo.cfg, else 127.0.0.1)
  --data-dir D      directory for data, in Apache ZooKeeper's layout; one process at a time
                    (default: dataDir of zoo.cfg, else data is kept in memory only)
  --in-memory       keep data in memory only; overrides all other settings
  --accept-loss     start although acknowledged transactions are missing or damaged, without them;
                    damaged files are kept, renamed
  --set key=value   any key of zoo.cfg; may be repeated
  -Dzookeeper.key=value
                    a flag of a Java machine, as in $SERVER_JVMFLAGS and $JVMFLAGS, which are read too; the file counts more
  --check           print every setting, its value and where it comes from, and end: 0 if a server could start with them;
                    nothing is opened. With --json one JSON object a line
  --verbose         log every connection
  --log-format F    text or json: how the log is written (default: text)

The first line on standard output once clients are accepted is: lightkeeper listening on HOST:PORT
What it does is logged on standard error. Neither needs a reader.

SIGHUP reads the file again and takes over what may change while the server runs; the log says what changed and what needs a restart.

Exit code: 0 when SIGTERM or SIGINT ended it, 1 when it could not start or its log had failed, 2 for wrong usage; 143 or 130 when a
second SIGTERM or SIGINT came while it was stopping; 137 when it had to be killed then because its disk did not answer.
`

export const serverCommand: Command = {
  name: 'server',
  summary: 'run a server in the foreground',
  usage,
  async run(args) {
    const { values, positionals } = parseAll('server', args, optionTypes)
    const format = logFormatOf(values['log-format'])
    const read = settingsReader(positionals, values)
    if (values.check) return check(await read(), values.json ?? false)

    const signals = new StopSignals()
    const { startServer } = await import('@lightkeeper/server')
    // The server decides by its setting logLevel, which may change.
    const log = await logSink(format)
    const { options, warnings } = await read()
    const warn = (each: ServerSettings['warnings'], to: Log): void => {
      for (const { message, facts } of each) to('warn', message, facts)
    }
    warn(warnings, log)
    const server = await startServer(options, { log }, async () => {
      const again = await read()
      warn(again.warnings, log)
      return again.options
    })
    signals.reloading(() => {
      log('info', 'the configuration is read again because of a signal', { signal: 'SIGHUP' })
      server.reload().catch((error: Error) => {
        log('error', 'the configuration was not taken over, nothing has changed', { cause: error.message })
      })
    })
    signals.serving((signal) => {
      log('info', 'the server stops because of a signal', { signal })
      server.close().catch((error: Error) => {
        log('error', 'the server ends without having stopped in order', { cause: error.message })
        endProcess(1)
      })
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
  define: { type: 'string', short: 'D', multiple: true },
  config: { type: 'string' },
  check: { type: 'boolean' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  'log-format': { type: 'string' },
} as const

/** Reads the settings that the arguments name, each time it is called. @throws UsageError for arguments that name none. */
function settingsReader(
  positionals: readonly string[],
  values: ServerFlags & { readonly config?: string | undefined },
): () => Promise<ServerSettings> {
  if (isZkServer(positionals)) {
    return () => {
      const { file, environment } = zkServer(positionals, values.config, process.env)
      return serverSettings(file, values, environment)
    }
  }
  if (values.config !== undefined) throw new UsageError('--config belongs to start-foreground')
  const [first, dataDir, tickTime, maxClientCnxns, ...more] = positionals
  // The arguments of Apache's own main class, ZooKeeperServerMain.
  if (first !== undefined && /^\d+$/.test(first) && dataDir !== undefined && more.length === 0) {
    const pairs = Object.entries({ clientPort: first, dataDir, tickTime, maxClientCnxns })
    const set = pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
    return () => serverSettings(undefined, { ...values, set: [...set, ...(values.set ?? [])] })
  }
  if (positionals.length > 1) throw new UsageError(`one zoo.cfg at the most, got ${positionals.join(' ')}`)
  return () => serverSettings(first, values)
}

/** Prints the effective configuration. @throws ConfigError for settings that a server could not start with. */
async function check({ options, origins, warnings }: ServerSettings, isJson: boolean): Promise<number> {
  const { checkOptions, effectiveSettings } = await import('@lightkeeper/server')
  const lines = effectiveSettings(await checkOptions(options), origins)
  for (const { message, facts = {} } of warnings) {
    process.stderr.write(`warning: ${[message, ...Object.values(facts)].join(' ')}\n`)
  }
  const widths = [0, 1].map((i) =>
    Math.min(60, Math.max(...lines.map(({ key, value }) => [key, value][i]?.length ?? 0))),
  )
  for (const line of lines) {
    const { key, value, origin } = line
    say(isJson ? jsonLine(line) : `${key.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${origin}\n`)
  }
  return 0
}
