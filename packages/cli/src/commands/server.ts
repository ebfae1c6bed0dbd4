/** `lightkeeper server`: a server in the foreground. */
import type { RunningConsole } from '@lightkeeper/console'
import { type Log, leveledLog } from '@lightkeeper/runtime'
import type { RunningServer } from '@lightkeeper/server'
import { type Run, UsageError } from '../command.ts'
import { endProcess } from '../end-process.ts'
import { onEndOfParent } from '../ends-with-parent.ts'
import { logSink } from '../log-sink.ts'
import { jsonLine, say } from '../output.ts'
import { type ServerFlags, type ServerSettings, serverSettings } from '../server-settings.ts'
import { StopSignals } from '../stop-signals.ts'
import type { server as row } from '../table/serving.ts'
import { isZkServer, zkServer } from '../zk-server.ts'

export const run: Run<typeof row> = async ({ values, args }) => {
  const read = settingsReader(args.settings, values)
  if (values.check) return check(await read(), values.json)

  const signals = new StopSignals()
  const { startServer } = await import('@lightkeeper/server')
  // The server decides by its setting logLevel, which may change.
  const log = await logSink(values['log-format'])
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
  const stop = (): void => {
    server.close().catch((error: Error) => {
      log('error', 'the server ends without having stopped in order', { cause: error.message })
      endProcess(1)
    })
  }
  signals.serving((signal) => {
    log('info', 'the server stops because of a signal', { signal })
    stop()
  })
  onEndOfParent(() => {
    log('info', 'the server stops because the command that started it has ended')
    stop()
  })
  say(`lightkeeper listening on ${server.connectString}\n`)
  const { dataDir, forceSync } = server.config
  const port = values['console-port']
  await using page = port === undefined ? undefined : await consoleOf(server, port, log)
  if (page !== undefined) say(`lightkeeper console at ${page.url}\n`)
  if (dataDir === undefined) log('warn', 'DATA IS KEPT IN MEMORY ONLY and goes with this process; --data-dir keeps it')
  else if (!forceSync) log('warn', 'FORCESYNC IS OFF: a power cut loses writes that were acknowledged', { dataDir })
  const failure = await server.stopped
  if (failure !== undefined) {
    // Behind the line that says why. An operation of a disk that does not answer would hold the process for ever.
    setImmediate(() => endProcess(1))
    throw failure
  }
  if (server.logFailure !== undefined) throw new Error(`the transaction log failed: ${server.logFailure.message}`)
  return 0
}

/** The console of a server in this process. A server that cannot have one has failed to start. */
async function consoleOf(server: RunningServer, port: number, log: Log): Promise<RunningConsole> {
  const { startConsole } = await import('@lightkeeper/console')
  const { dataDir, dataLogDir: logDir } = server.config
  const past = dataDir === undefined ? undefined : { dataDir, logDir }
  const { connectString: servers } = server
  const ownLog = leveledLog(log, () => server.config.logLevel)
  const kept = [{ server: async () => servers, read: async (points: number) => server.figures(points) }]
  try {
    const endSession = (session: bigint): boolean => server.expireSession(session)
    return await startConsole({ servers, port, allowsWrites: true, token: false, past, kept, endSession, log: ownLog })
  } catch (error) {
    await server.close()
    throw new Error(`the console cannot listen on port ${port}: ${(error as Error).message}`)
  }
}

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
